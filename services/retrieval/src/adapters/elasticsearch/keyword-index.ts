import { createHash } from "node:crypto";
import type { Hit, KeywordIndex, LegResult } from "../../domain/keyword-index.ts";
import type { Connection } from "./connection.ts";
import { protocolError } from "./errors.ts";
import type { IndexNames } from "./index-definition.ts";
import { keywordQuery, type Weights } from "./keyword-query.ts";

export interface KeywordIndexOptions {
  readonly connection: Connection;
  readonly names: IndexNames;
  /** After this long, or three quarters of what the call has, each shard gives what it has found so far. */
  readonly searchTimeoutMs: number;
  /** With several shards their statistics are gathered before each search, so that scores can be compared. */
  readonly shards: number;
  readonly weights?: Weights;
}

/** What an answer has that says whether it is whole. */
interface SearchAnswer {
  readonly timed_out?: unknown;
  readonly _shards?: { readonly total?: unknown; readonly successful?: unknown; readonly failed?: unknown };
  readonly hits?: { readonly hits?: unknown };
}

/**
 * Searches the index behind the alias. There is no second attempt here: the gateway repeats calls within its budget, and a store's breaker
 * leaves it alone. Statistics are those of the whole index, of all tenants.
 *
 * Where there is no index although the record has collections to search, it throws IndexMissingError: nothing found would be a wrong answer.
 */
export function createKeywordIndex({
  connection,
  names,
  searchTimeoutMs,
  shards,
  weights,
}: KeywordIndexOptions): KeywordIndex {
  return {
    async search(tenant, { limit, after, ...query }, { signal, timeoutMs = Infinity }) {
      signal.throwIfAborted();
      const asked = keywordQuery(tenant, query, weights);
      if (asked === undefined) return { hits: [] };
      const answer = await connection.call(
        (client, options) =>
          client.search(
            {
              index: names.alias,
              query: asked,
              size: limit,
              // Equal scores in one order, the same on every copy.
              sort: [{ _score: { order: "desc" } }, { document_id: "asc" }, { ordinal: "asc" }],
              ...(after && { search_after: [after.score, after.documentId, after.ordinal] }),
              track_total_hits: false,
              _source: false,
              // Before the caller's own end, so that what was found by then is not lost.
              timeout: `${Math.ceil(Math.min(searchTimeoutMs, 0.75 * timeoutMs))}ms`,
              allow_partial_search_results: true,
              ...(shards > 1 && { search_type: "dfs_query_then_fetch" as const }),
              // Copies of a shard differ in what they have merged away, and so in scores: a question asks the same copy each time.
              preference: createHash("sha256").update(`${tenant}\0${query.text}`).digest("hex").slice(0, 16),
            },
            options,
          ),
        { signal },
      );
      return readAnswer(answer as SearchAnswer);
    },
  };
}

function readAnswer({ timed_out: isTimedOut, _shards: shards, hits }: SearchAnswer): LegResult {
  const found = hits?.hits;
  if (!Array.isArray(found) || typeof shards?.failed !== "number") throw protocolError("a search without hits");
  if (shards.failed > 0 && shards.successful === 0) throw protocolError("all shards failed");
  const result = { hits: found.map(readHit) };
  return isTimedOut === true || shards.failed > 0 ? { ...result, partial: "PARTIAL_SHARDS" } : result;
}

function readHit(hit: unknown): Hit {
  const { _id: id, sort } = hit as { readonly _id?: unknown; readonly sort?: readonly unknown[] };
  const passageId = Number(id);
  const [score, documentId, ordinal] = sort ?? [];
  if (!Number.isSafeInteger(passageId) || typeof score !== "number" || typeof documentId !== "string") {
    throw protocolError("a hit that is no passage");
  }
  return { passageId, documentId, ordinal: Number(ordinal), score };
}
