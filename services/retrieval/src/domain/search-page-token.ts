import { createHmac, createSecretKey, hash as digest, type KeyObject, timingSafeEqual } from "node:crypto";
import { ByteFormatError, ByteReader, ByteWriter } from "./byte-codec.ts";
import type { LegReason } from "./leg.ts";
import type { LegStart, PageStart } from "./page-start.ts";
import { PageTokenError } from "./page-token.ts";
import type { CallOptions } from "./record-store.ts";
import type { SearchRequest } from "./search-request.ts";

/** A page token of another tenant's search, which must not be told from one that never was. */
export class ForeignPageTokenError extends Error {}

/** A page token that is too old, or of another release. */
export class PageTokenExpiredError extends Error {}

/** Whose search, and which: a token leads nowhere in any other. */
export interface TokenOwner {
  readonly tenant: string;
  readonly request: SearchRequest;
}

/**
 * Page tokens of searches: opaque to those who carry them, and signed, so that nobody can make one up. Nothing is kept of them: any process with
 * the same key takes them.
 *
 * version (1 byte), when it was given (4, seconds since 1970), tenant (8) and request (16), hashed, the start of the page, and 16 bytes
 * HMAC-SHA-256 over all of it; in base64url. With the 32 legs that there may be at most it stays below 1,000 characters.
 */
export interface SearchPageTokens {
  /** @throws {PageTokenError} {ForeignPageTokenError} {PageTokenExpiredError}, and what the key cannot be had for. */
  read(token: string, owner: TokenOwner, options: CallOptions): Promise<PageStart>;
  /** @throws what the key cannot be had for. */
  write(start: PageStart, owner: TokenOwner, options: CallOptions): Promise<string>;
}

export interface SearchPageTokensOptions {
  /** Asked for until it was had once. */
  readonly key: (options: CallOptions) => Promise<Uint8Array>;
  /** Milliseconds since 1970. Default: the clock. */
  readonly nowMs?: () => number;
  /** Default: a day. */
  readonly maxAgeMs?: number;
}

const version = 1;
const signatureBytes = 16;
const tenantBytes = 8;
const requestBytes = 16;
const planBytes = 8;

export function createSearchPageTokens(options: SearchPageTokensOptions): SearchPageTokens {
  const { nowMs = Date.now, maxAgeMs = 24 * 60 * 60 * 1000 } = options;
  // Made into a key once: from bytes that costs six times as much as the signature.
  let known: KeyObject | undefined;
  const sign = async (bytes: Uint8Array, call: CallOptions) => {
    known ??= createSecretKey(await options.key(call));
    return createHmac("sha256", known).update(bytes).digest().subarray(0, signatureBytes);
  };
  return {
    async write(start, { tenant, request }, call) {
      const writer = new ByteWriter();
      writer.byte(version);
      const given = Buffer.alloc(4);
      given.writeUInt32BE(Math.floor(nowMs() / 1000));
      for (const part of [given, hash(tenant, tenantBytes), requestHash(request)]) writer.raw(part);
      writeStart(writer, start);
      const bytes = writer.finish();
      return Buffer.concat([bytes, await sign(bytes, call)]).toString("base64url");
    },

    async read(token, { tenant, request }, call) {
      const all = Buffer.from(token, "base64url");
      const bytes = all.subarray(0, -signatureBytes);
      const signature = all.subarray(bytes.length);
      if (bytes.length === 0 || !timingSafeEqual(signature, await sign(bytes, call))) throw new PageTokenError();
      // All below was written by this service, in this release or another.
      const reader = new ByteReader(bytes);
      if (reader.byte() !== version) throw new PageTokenExpiredError();
      const givenAtMs = reader.raw(4).readUInt32BE() * 1000;
      if (!reader.raw(tenantBytes).equals(hash(tenant, tenantBytes))) throw new ForeignPageTokenError();
      if (!reader.raw(requestBytes).equals(requestHash(request))) throw new PageTokenError();
      if (nowMs() - givenAtMs > maxAgeMs) throw new PageTokenExpiredError();
      try {
        return readStart(reader);
      } catch (error) {
        throw error instanceof ByteFormatError ? new PageTokenExpiredError() : error;
      }
    },
  };
}

/** All that must be as it was. The vector is not part of it: a model may give another one for the same text. */
function requestHash({ vector: _, pageSize: __, start: ___, ...rest }: SearchRequest): Buffer {
  return hash(JSON.stringify(rest), requestBytes);
}

function hash(text: string, length: number): Buffer {
  return digest("sha256", text, "buffer").subarray(0, length);
}

/** In the order of their numbers in tokens: only ever added to. */
const reasons: readonly LegReason[] = [
  "UPSTREAM_FAILED",
  "OUT_OF_TIME",
  "CIRCUIT_OPEN",
  "OVERLOADED",
  "PARTIAL_SHARDS",
  "EMBEDDING_SPACE_MISMATCH",
  "VECTORS_PENDING",
  "MAY_BE_STALE",
  "NO_QUERY_VECTOR",
  "COLLECTION_MISSING",
  "NOT_ENABLED",
];

const startFlags = { isReranked: 1, isInFused: 2 } as const;
const legFlags = { isAtEnd: 1, isAhead: 2, hasLast: 4, isLeftOut: 8 } as const;

function writeStart(writer: ByteWriter, { plan, isReranked, fusedOffset, legs }: PageStart): void {
  writer.raw(Buffer.from(plan, "hex"));
  const isInFused = fusedOffset !== undefined;
  writer.byte((isReranked ? startFlags.isReranked : 0) | (isInFused ? startFlags.isInFused : 0));
  if (isInFused) writer.whole(fusedOffset);
  writer.whole(legs.length);
  for (const { isAtEnd, isAhead, last, leftOut, rank } of legs) {
    writer.byte(
      (isAtEnd ? legFlags.isAtEnd : 0) |
        (isAhead ? legFlags.isAhead : 0) |
        (last === undefined ? 0 : legFlags.hasLast) |
        (leftOut === undefined ? 0 : legFlags.isLeftOut),
    );
    writer.whole(rank);
    if (leftOut !== undefined) writer.byte(reasons.indexOf(leftOut));
    if (last === undefined) continue;
    writer.real(last.score);
    writer.whole(last.passageId);
  }
}

function readStart(reader: ByteReader): PageStart {
  const plan = reader.raw(planBytes).toString("hex");
  const flags = reader.byte();
  const fusedOffset = (flags & startFlags.isInFused) === 0 ? undefined : reader.whole();
  const legs = Array.from({ length: reader.whole() }, () => readLeg(reader));
  reader.finish();
  return { plan, isReranked: (flags & startFlags.isReranked) !== 0, fusedOffset, legs };
}

function readLeg(reader: ByteReader): LegStart {
  const flags = reader.byte();
  const has = (flag: number) => (flags & flag) !== 0;
  const rank = reader.whole();
  const leftOut = has(legFlags.isLeftOut) ? (reasons[reader.byte()] ?? "UPSTREAM_FAILED") : undefined;
  const last = has(legFlags.hasLast) ? { score: reader.real(), passageId: reader.whole() } : undefined;
  return { rank, leftOut, last, isAtEnd: has(legFlags.isAtEnd), isAhead: has(legFlags.isAhead) };
}
