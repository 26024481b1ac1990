import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { CompressPassagesResponseSchema } from "@quartet/contracts/compression/v1/compression_service";
import { CompressionStrategy } from "@quartet/contracts/type/v1/answer";
import { SpanSchema, type Passage, type PassageSchema } from "@quartet/contracts/type/v1/passage";
import { quartetError } from "@quartet/errors";
import type { FieldViolation } from "@quartet/errors";
import { codePointLength, sliceByCodePoints } from "@quartet/text";
import type { Compressed, Strategy } from "./domain/compress.ts";
import { toDocumentSpans } from "./domain/document-spans.ts";
import type { KeptPassage, RankedPassage, TextRange } from "./domain/types.ts";

const strategies: Readonly<Record<CompressionStrategy, Strategy | undefined>> = {
  [CompressionStrategy.UNSPECIFIED]: undefined,
  [CompressionStrategy.EXTRACTIVE]: "EXTRACTIVE",
  [CompressionStrategy.SEED_RULE]: "SEED_RULE",
};

/** Undefined means the default. */
export const fromStrategy = (strategy: CompressionStrategy): Strategy | undefined => strategies[strategy];

export const toStrategy = (strategy: Strategy): CompressionStrategy => CompressionStrategy[strategy];

/** The parts of the document that a passage's text consists of; one part, its own offsets, where it was not shortened before. */
export function spansOf({ keptSpans, startOffset, endOffset }: Passage): readonly TextRange[] {
  if (keptSpans.length === 0) return [{ start: startOffset, end: endOffset }];
  return keptSpans.map((span) => ({ start: span.startOffset, end: span.endOffset }));
}

/**
 * Refuses passages whose text is not as long as their offsets say: citations made from them would point beside the text.
 *
 * @throws INVALID_ARGUMENT (FIELD_INVALID) naming every such passage.
 */
export function checkOffsets(passages: readonly Passage[]): void {
  const violations = passages.flatMap((passage, index): FieldViolation[] => {
    const spans = spansOf(passage);
    const told = spans.reduce((sum, { start, end }) => sum + end - start, spans.length - 1);
    const { text } = passage;
    const actual = codePointLength(text);
    const field = `passages[${index}].${passage.keptSpans.length > 0 ? "kept_spans" : "end_offset"}`;
    const description = `says ${told} characters where text has ${actual}; count Unicode code points of the NFC text`;
    return told === actual && spans.every(({ start, end }) => end > start || text === "")
      ? []
      : [{ field, description }];
  });
  if (violations.length === 0) return;
  throw quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: "The offsets of a passage do not fit its text; send passages as the search returned them.",
    violations,
  });
}

/** The passage for the domain. Whatever stood between its parts becomes a line break, which belongs to no sentence's ends. */
export function fromPassage(passage: Passage): RankedPassage {
  const { text, score, keptSpans } = passage;
  if (keptSpans.length < 2) return { text, score };
  let from = 0;
  const parts = keptSpans.map(({ startOffset, endOffset }) => {
    const to = from + endOffset - startOffset;
    const part = sliceByCodePoints(text, from, to);
    from = to + 1;
    return part;
  });
  return { text: parts.join("\n"), score };
}

/** What the caller gave of a passage, with what is left of its text. */
function toPassage(given: Passage, { text, parts, whole }: KeptPassage): MessageInitShape<typeof PassageSchema> {
  if (whole) return { ...given, hits: [] };
  const keptSpans = toDocumentSpans(spansOf(given), parts).map(({ start, end }) =>
    create(SpanSchema, { startOffset: start, endOffset: end }),
  );
  return { ...given, text, keptSpans, hits: [] };
}

export function toResponse(
  given: readonly Passage[],
  { kept, originalCharCount, keptCharCount, strategy }: Compressed,
): MessageInitShape<typeof CompressPassagesResponseSchema> {
  return {
    passages: kept.map((passage) => toPassage(given[passage.index]!, passage)),
    originalCharCount,
    keptCharCount,
    strategy: toStrategy(strategy),
  };
}
