import { terms } from "@quartet/text";

/** Words that only ask, whatever follows them in the same word: `무엇입니까`, `어디에서`, `얼마나`. */
const asking = /^(?:무엇|무슨|어떤|어떻|어느|어디|언제|누구|얼마)/;
/** The short ones are asking words only by themselves: `왜곡` is a distortion. */
const askingAlone = /^(?:왜|몇|뭐|뭘|누가)$/;

/** Endings that make a sentence a question or a request. */
const endings = "는가|은가|인가|한가|던가|는지|은지|인지|나요|가요|까요|지요|니까|하라|하시오|십시오|세요|해줘";
/** What often stands between a noun and such an ending. */
const auxiliaries = "[하되있없이인한된할될일었았했됐였졌는은을습입합됩십니]";
const asksAtEnd = new RegExp(`(?:${auxiliaries})*(?:${endings})요?$`);

/** Particles at the end of a word: `서울의` and `서울은` ask for the same pairs of syllables. */
const particle = /(?<=[가-힣]{2})(?:에서는|에서|에게|에는|으로는|으로|부터|까지|이란|[은는이가을를의에로와과도만란])$/;

/** A word of Hangul, and whether a sentence ends after it. */
const hangulWord = /([가-힣]+)(\s*(?:[?？.!]|$))?/g;

/**
 * The terms by which a question is compared with passages: those of `terms()`, for Korean without the words and endings
 * that only ask, and without particles. They are to Korean what stop words are to English: a pair of syllables with one of
 * them in it is so rare in documents that an idf would take it for telling.
 */
export function questionTerms(question: string): string[] {
  return terms(
    question.normalize("NFC").replace(hangulWord, (_whole, word: string, end: string | undefined) => {
      if (asking.test(word) || askingAlone.test(word)) return ` ${end ?? ""}`;
      const stem = (end === undefined ? word : word.replace(asksAtEnd, "")).replace(particle, "");
      // One syllable of a longer word is no term of any document: those are pairs.
      return `${stem.length < 2 && stem !== word ? "" : stem}${end ?? ""}`;
    }),
  );
}
