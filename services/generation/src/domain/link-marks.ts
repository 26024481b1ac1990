import { type KnownLinks, urlStart } from "./known-links.ts";

/** What becomes of the beginning of a text: `length` units are replaced. Undefined where that depends on what follows. */
export type Decision =
  | {
      readonly length: number;
      readonly by: string;
      /** Something that led somewhere is gone. */
      readonly isRemoval?: boolean;
      /** It goes on behind what was looked at. */
      readonly isCut?: boolean;
    }
  | undefined;

/** Shows the beginning of a text as it is. */
export const asIs = (text: string): Decision => ({ length: text.length, by: text });

/** Longer words of a link keep their brackets when the link goes. */
const words = /^(!?\[)([^[\]]{0,200})(\]?)/;
const citation = /^\d{1,3}$/;

interface Rules {
  readonly known: KnownLinks;
  /** Whether no more of the text is looked at. */
  readonly isLast: boolean;
  /** Takes the links out of words. */
  readonly clean: (words: string) => string;
}

/** A link or an image of Markdown, `[words](destination)`, at the beginning of a text. Words stay; the number of a citation stays one. */
export function linkAt(text: string, { known, isLast, clean }: Rules): Decision {
  const [head, opening, inner, closing] = words.exec(text) as unknown as [string, string, string, string];
  const after = text.slice(head.length);
  if (after === "" && !isLast) return undefined;
  if (closing === "" || !after.startsWith("(")) return asIs(opening);
  const end = destinationEnd(after);
  if (end === undefined) return isLast ? asIs(opening) : undefined;
  if (end === "none") return asIs(opening);
  const length = head.length + end;
  if (leadsToKnown(after.slice(1, end - 1), known)) {
    const shown = clean(inner);
    return { length, by: `${opening}${shown}]${after.slice(0, end)}`, isRemoval: shown !== inner };
  }
  return { length, by: opening === "[" && citation.test(inner) ? `[${inner}]` : inner, isRemoval: true };
}

/**
 * What follows words that were shown already: a destination is removed. A definition of a reference (`[words]: destination`) would make links
 * of brackets elsewhere, citations among them: with a space it is none.
 */
export function closingAt(text: string, { known, isLast }: Rules): Decision {
  if (text === "]" && !isLast) return undefined;
  if (text.startsWith("]:")) return { length: 2, by: "] :" };
  if (!text.startsWith("](")) return asIs("]");
  const end = destinationEnd(text.slice(1));
  if (end === undefined && !isLast) return undefined;
  // It is no link so far; what comes later could make it one.
  if (end === undefined || end === "none") return { length: 2, by: "] (" };
  if (leadsToKnown(text.slice(2, end), known)) return asIs(text.slice(0, end + 1));
  return { length: end + 1, by: "]", isRemoval: true };
}

/** The length of `(...)` at the beginning, `none` where a blank line comes before its end, undefined where it may still come. */
function destinationEnd(text: string): number | "none" | undefined {
  const blank = /\n[ \t]*\n/.exec(text)?.index ?? Infinity;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (at >= blank) return "none";
    if (text[at] === "\\") at += 1;
    else if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    if (depth === 0) return at + 1;
  }
  return undefined;
}

/** Another URL behind the destination is one of its own for programs that see no link here. */
function leadsToKnown(inner: string, known: KnownLinks): boolean {
  const destination = destinationOf(inner);
  const behind = inner.slice(inner.indexOf(destination) + destination.length);
  return known.isKnownHost(destination) && !urlStart.test(behind);
}

/** The destination within the brackets, without a title after it. */
function destinationOf(inner: string): string {
  const trimmed = inner.trim();
  return trimmed.startsWith("<") ? trimmed.slice(1).split(">")[0]! : trimmed.split(/\s/)[0]!;
}
