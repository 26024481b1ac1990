/** What a citation parser hands on of the text it was given so far. */
export interface CitationMarks {
  /** Takes the next piece of a model's text; returns what can be shown of it, which may be nothing. */
  push(delta: string): string;
  /** Returns the rest. */
  finish(): string;
  /** Whether marks were removed because no such passage was given. */
  readonly hasDropped: boolean;
}

/** The text between the brackets of a mark is at most this long; anything longer is text. */
const MAX_INNER_UNITS = 40;

const open = "[\\[［【]";
const close = "[\\]］】]";
const number = "\\s*\\d{1,3}\\s*";
/** `[1]`, `[1, 2]`, `[2-4]`, `【1】`, and the white space before it, which goes when the mark goes. Longer numbers are years or data. */
const mark = new RegExp(
  `([ \\t]?)${open}(?=[^\\]］】]{1,${MAX_INNER_UNITS}}${close})(${number}(?:[,，、;–~-]${number})*)${close}`,
  "gu",
);
/** The beginning of what may become a mark. */
const unfinished = new RegExp(`[ \\t]?(?:${open}[\\s\\d,，、;–~-]{0,${MAX_INNER_UNITS}})?$`, "u");

/**
 * Finds the citations in a model's text while it streams. Lists and ranges become single marks (`[1, 3]` gives `[1][3]`),
 * full-width brackets become ASCII ones, and numbers from outside 1 to `passageCount` are removed. However the text is cut
 * into deltas, the pieces together are the same, and no piece ends inside a mark.
 */
export function createCitationMarks(passageCount: number): CitationMarks {
  let pending = "";
  let lastUnit = "";
  let hasDropped = false;

  const rewrite = (text: string): string => {
    const rewritten = text.replace(mark, (_whole, space: string, inner: string, index: number) => {
      const { known, dropped } = numbersOf(inner, passageCount);
      hasDropped ||= dropped;
      if (known.length > 0) return `${space}${known.map((each) => `[${each}]`).join("")}`;
      // What stands around a removed mark must not close up to a new one, as in `[[9]1]`.
      return /[[\d]/.test(index > 0 ? text[index - 1]! : lastUnit) ? " " : "";
    });
    lastUnit = text.at(-1) ?? lastUnit;
    return rewritten;
  };

  return {
    push(delta) {
      pending += delta;
      const settled = unfinished.exec(pending)!.index;
      const text = rewrite(pending.slice(0, settled));
      pending = pending.slice(settled);
      return text;
    },
    finish() {
      const text = rewrite(pending);
      pending = "";
      return text;
    },
    get hasDropped() {
      return hasDropped;
    },
  };
}

/** The numbers that a list such as `1, 3-5` names, without those that no passage has. */
function numbersOf(inner: string, passageCount: number): { known: readonly number[]; dropped: boolean } {
  const known = new Set<number>();
  let dropped = false;
  for (const item of inner.split(/[,，、;]/u)) {
    const [from = 0, to = from] = item.split(/[–~-]/u).map(Number);
    if (from < 1 || to < from || to > passageCount) dropped = true;
    for (let each = Math.max(1, from); each <= Math.min(to, passageCount); each += 1) known.add(each);
  }
  return { known: [...known], dropped };
}

/** A `[n]` in an answer: its number, and the words before it that it stands for. */
export interface Claim {
  readonly number: number;
  readonly text: string;
}

const settledMark = /\[(\d{1,3})\]/g;

/** Every `[n]` of a finished answer with the text since the mark before it; marks in a row stand for the same text. */
export function claimsOf(answer: string): Claim[] {
  const claims: Claim[] = [];
  let end = 0;
  let text = "";
  for (const { index, 0: whole, 1: digits } of answer.matchAll(settledMark)) {
    const between = answer.slice(end, index);
    if (/[\p{L}\p{N}]/u.test(between)) text = between;
    claims.push({ number: Number(digits), text });
    end = index + whole.length;
  }
  return claims;
}
