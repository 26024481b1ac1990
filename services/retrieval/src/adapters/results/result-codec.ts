import type { ValueCodec } from "@quartet/redis";
import type { SearchResult } from "../../domain/search-request.ts";

/** A result with the bytes that it is shared as, so that it is written out once. */
export interface EncodedResult {
  readonly result: SearchResult;
  readonly bytes: Uint8Array;
}

/** Of what is within a result; a change of its meaning takes another. */
export const codecVersion = 1;

export const encodeResult = (result: SearchResult): EncodedResult => ({
  result,
  bytes: Buffer.from(JSON.stringify(result)),
});

/** JSON. What is read is looked at in every part that answers are made from: nothing in Redis can make a search fail. */
export const resultCodec: ValueCodec<EncodedResult> = {
  encode: ({ bytes }) => bytes,
  decode: (bytes) => {
    try {
      const value: unknown = JSON.parse(bytes.toString());
      return isResult(value) ? { result: value, bytes } : undefined;
    } catch {
      return undefined;
    }
  },
};

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const real: Check = (value) => Number.isFinite(value);
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** As far as a protobuf timestamp and a Date reach. */
const moment: Check = (value) => Number.isFinite(value) && Math.abs(value as number) <= 8.64e15;
const oneOf = (...values: readonly string[]): Check => {
  const known = new Set<unknown>(values);
  return (value) => known.has(value);
};
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const legKind = oneOf("keyword", "vector", "graph");
const status = oneOf("ok", "partial", "failed", "skipped");

const document = fields({
  ...{ id: text, collection: text, title: text, mediaType: text, language: text, uri: text, taxonomyPath: text },
  ...{ tags: listOf(text), metadata: isObject, createTimeMs: moment, updateTimeMs: moment, version: count },
});
const rank = fields({ source: text, leg: legKind, rank: count, rawScore: real, path: optional(listOf(text)) });
const passage = fields({
  ...{ ordinal: count, startOffset: count, endOffset: count, text, document, score: real },
  ranks: listOf(rank),
});
const leg = fields({ source: text, leg: legKind, status, reason: optional(text), elapsedMs: real, hitCount: count });
const source = fields({
  ...{ source: text, kind: oneOf("hybrid", "keyword", "vector", "graph"), status, reason: optional(text) },
  ...{ elapsedMs: real, passageCount: count, weight: real },
});
const collection = fields({ collection: text, recordSeq: count, projectedSeq: count });
const place = fields({ score: real, passageId: count });
const legStart = fields({
  ...{ leftOut: optional(text), rank: count, last: optional(place), isAtEnd: flag, isAhead: flag },
});
const pageStart = fields({ plan: text, isReranked: flag, fusedOffset: optional(count), legs: listOf(legStart) });

const check = fields({
  ...{ passages: listOf(passage), legs: listOf(leg), sources: listOf(source), collections: listOf(collection) },
  ...{ notReranked: flag, withoutRecord: flag, cached: flag, next: optional(pageStart) },
});

const isResult = (value: unknown): value is SearchResult => check(value);
