import { sentences, sliceByCodePoints } from "@quartet/text";
import type { Passage, PassagePart, Span } from "./answerer.ts";
import { compactText, hasLayout } from "./compact-text.ts";
import { estimateTokens } from "./token-estimate.ts";

/** A passage as a model sees it. */
export interface ShownPassage {
  /** `[n]` in the answer. */
  readonly number: number;
  readonly title: string;
  /** Empty where it is the same as that of another passage. */
  readonly text: string;
  /** The number of the passage with the same text, of another title. */
  readonly sameAs?: number;
}

/** Why text was left out of a prompt. */
export const savings = ["white_space", "duplicate", "overlap"] as const;
export type Saving = (typeof savings)[number];

export interface PromptPassages {
  readonly shown: readonly ShownPassage[];
  /** Tokens that were left out, estimated. */
  readonly saved: Readonly<Record<Saving, number>>;
}

const made = new WeakMap<readonly Passage[], PromptPassages>();

/**
 * The passages without what a model need not read twice, or at all: white space that says nothing, passages whose text an earlier one has, and sentences
 * at the ends of a passage that an earlier one of the same document holds, as their offsets show. Passages keep their numbers, so that one that is
 * left out leaves a gap; citations are made from the passages themselves, not from what is shown here.
 */
export function promptPassages(passages: readonly Passage[]): PromptPassages {
  let result = made.get(passages);
  // Asked for by whoever reckons what a prompt costs, and by whoever sends it.
  if (result === undefined) made.set(passages, (result = reduce(passages)));
  return result;
}

function reduce(passages: readonly Passage[]): PromptPassages {
  const shown: ShownPassage[] = [];
  const saved: Record<Saving, number> = { white_space: 0, duplicate: 0, overlap: 0 };
  const byText = new Map<string, ShownPassage>();
  const spans = new Map<string, Span[]>();
  for (const [index, passage] of passages.entries()) {
    const document = `${passage.documentVersion}\n${passage.documentId}`;
    const seen = spans.get(document) ?? [];
    const fresh = withoutSpans(passage, seen);
    const text = compactText(fresh);
    const whole = estimateTokens(passage.text);
    const left = fresh === passage.text ? whole : estimateTokens(fresh);
    const tokens = text === fresh ? left : estimateTokens(text);
    saved.overlap += whole - left;
    saved.white_space += left - tokens;
    if (fresh === "" && whole > 0) continue;

    const { title } = passage;
    const key = comparable(text);
    const known = byText.get(key);
    const number = index + 1;
    if (known === undefined) {
      byText.set(key, { number, title, text });
      shown.push({ number, title, text });
      spans.set(document, [...seen, ...passage.parts.map(({ span }) => span)]);
      continue;
    }
    saved.duplicate += tokens;
    // Which document says so may be what is asked for.
    if (title !== "" && title !== known.title) shown.push({ number, title, text: "", sameAs: known.number });
  }
  return { shown, saved };
}

const comparable = (text: string) => text.normalize("NFKC").replace(/\s+/gu, " ").trim();

/** The text without whole sentences at the ends of its parts that lie within a span. What holds code or a table stays whole. */
function withoutSpans({ text, parts }: Passage, spans: readonly Span[]): string {
  const touched = (part: PassagePart) =>
    spans.some(({ start, end }) => start < part.span.end && end > part.span.start) && !hasLayout(part.text);
  if (!parts.some(touched)) return text;
  const left = parts.map((part) => (touched(part) ? trimmed(part, spans) : part.text)).filter((each) => each !== "");
  return left.join("\n");
}

function trimmed({ text, span }: PassagePart, spans: readonly Span[]): string {
  const all = sentences(text);
  const isNew = all.map(({ start, end }) => {
    const [from, to] = [span.start + start, span.start + end];
    return !spans.some((seen) => seen.start <= from && to <= seen.end);
  });
  const [first, last] = [isNew.indexOf(true), isNew.lastIndexOf(true)];
  if (first < 0) return "";
  if (first === 0 && last === all.length - 1) return text;
  return sliceByCodePoints(text, all[first]!.start, all[last]!.end);
}
