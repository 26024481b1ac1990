// What Unicode's sentence rules (UAX #29) cannot know: which full stops do not end a sentence.

/** Written with a full stop in the middle of sentences. Lower case, without the last stop. */
const abbreviations = new Set(
  (
    "mr mrs ms dr prof st sr jr gen col lt sgt capt rev hon pres gov sen rep " +
    "vs etc eg ie cf al approx ca no nos vol vols fig figs eq eqs ch sec pp ed eds est dept univ assn bros inc ltd co corp " +
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun e.g i.e a.m p.m"
  ).split(" "),
);

/** Abbreviations that also end sentences: only a next word that does not look like a beginning continues them. */
const ambiguous = new Set("etc al inc ltd co corp jr sr a.m p.m no".split(" "));

/** Words that begin sentences far more often than they follow an initial or an acronym. */
const sentenceStarters = new Set(
  "the a an this that these those it he she they we in on at by for from after before when while if as however but and there his her their its some many most".split(
    " ",
  ),
);

/** The last word before a final full stop: letters with inner stops (U.S, e.g), or one run of letters. */
const lastWord = /(?:^|[\s(\["'“‘])((?:\p{L}\.)*\p{L}+)\.\s*$/u;
/** A list marker that stands alone: 1. 2) (3) 가. A. iv. ① • - */
const loneMarker = /^\s*(?:[([]?(?:\d{1,3}|\p{L}|[ivxIVX]{1,4})[.)\]]+|[-*•·▪■□○●◦※①-⑳]+)\s*$/u;
/** A number and a stop: perhaps a part of a date (2024. 5. 30.). */
const numberAtEnd = /(?:^|\s)\d{1,4}\.\s*$/u;
/** A whole dotted date as Korean writes it, after which the sentence goes on (2024. 5. 30. 발표했다). */
const dottedDate = /(?:^|\s)\d{2,4}\.\s?\d{1,2}\.\s?\d{1,2}\.\s*$/u;
const nextWord = /^\s*["'“‘(]*(\p{L}+|\d+)/u;

/** How much of a sentence's end is looked at. */
const tailUnits = 24;

/**
 * True when the sentence that Unicode's rules find in `text` from `start` to `index` goes on after it.
 * A line break between the two always ends it, unless it only held a list marker.
 */
export function continuesAfter(text: string, start: number, index: number): boolean {
  const tail = text.slice(Math.max(start, index - tailUnits), index);
  if (index - start <= tailUnits && loneMarker.test(tail)) return !/\n\s*\n/.test(tail);
  if (/[\n\u2029]$/.test(tail)) return false;
  const next = nextWord.exec(text.slice(index, index + 40))?.[1];
  if (next === undefined) return false;
  if (dottedDate.test(tail)) return true;
  if (numberAtEnd.test(tail)) return /^\d/.test(next);
  return isUnfinished(lastWord.exec(tail)?.[1], next);
}

/** True when a stop after this word is not the sentence's, given the word that follows. */
function isUnfinished(word: string | undefined, next: string): boolean {
  if (word === undefined) return false;
  if (isSingleOrDotted(word)) return !sentenceStarters.has(next.toLowerCase());
  const lower = word.toLowerCase();
  if (!abbreviations.has(lower)) return false;
  return !ambiguous.has(lower) || /^[\d\p{Ll}]/u.test(next);
}

/** An initial (J) or an acronym with stops (U.S, Ph.D): Latin capitals only, for a Korean sentence may end in one syllable. */
function isSingleOrDotted(word: string): boolean {
  return /^(?:\p{Lu}|(?:\p{Lu}\p{Ll}?\.)+\p{Lu})$/u.test(word);
}
