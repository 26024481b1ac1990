import { compareCodePoints } from "../../domain/code-point-order.ts";
import type { Collection } from "../../domain/collection.ts";
import type { StoredPassage } from "../../domain/document.ts";
import type { Projection } from "../../domain/projection.ts";
import type { Connection } from "./connection.ts";
import { protocolError } from "./errors.ts";
import type { IndexNames } from "./index-definition.ts";
import { readPassage } from "./passage-document.ts";

/** Of one tenant. */
const maxCollections = 10_000;
/** 16 KiB of metadata and a passage each. */
const maxPassageResponseBytes = 64 * 1024 ** 2;

interface CollectionBucket {
  readonly key: string;
  readonly doc_count: number;
  readonly documents: { readonly doc_count: number };
}

/** Reads what the index knows of the record. */
export function createProjection({
  connection,
  names,
}: {
  readonly connection: Connection;
  readonly names: IndexNames;
}): Projection {
  return {
    async collections(tenant, { signal }) {
      const answer = await connection.call(
        (client, options) =>
          client.search(
            {
              index: names.alias,
              size: 0,
              query: { bool: { filter: [{ term: { tenant } }] } },
              aggs: {
                collections: {
                  terms: { field: "collection", size: maxCollections },
                  aggs: { documents: { filter: { term: { ordinal: 0 } } } },
                },
              },
            },
            options,
          ),
        { signal },
      );
      if (answer.timed_out || answer._shards.failed > 0) throw protocolError("not all shards counted");
      const buckets = (answer.aggregations?.["collections"] as { readonly buckets?: unknown } | undefined)?.buckets;
      if (!Array.isArray(buckets)) throw protocolError("collections without a count");
      return (buckets as readonly CollectionBucket[])
        .map(toCollection)
        .sort((left, right) => compareCodePoints(left.state.collection, right.state.collection));
    },

    async passages(tenant, passageIds, { signal }) {
      const found = new Map<number, StoredPassage>();
      if (passageIds.length === 0) return found;
      const ids = [...new Set(passageIds)].map(String);
      const { docs } = await connection.call((client, options) => client.mget({ index: names.alias, ids }, options), {
        signal,
        maxResponseBytes: maxPassageResponseBytes,
      });
      if (!Array.isArray(docs)) throw protocolError("passages without a list");
      for (const item of docs) {
        if ("error" in item) throw protocolError("a passage could not be read");
        if (!("found" in item) || !item.found) continue;
        const passage = readPassage(tenant, item._source);
        if (passage !== undefined) found.set(Number(item._id), passage);
      }
      return found;
    },
  };
}

function toCollection({ key, doc_count: passageCount, documents }: CollectionBucket): Collection {
  return {
    state: { collection: key, recordSeq: 0, projectedSeq: 0 },
    documentCount: documents.doc_count,
    passageCount,
    active: undefined,
    building: undefined,
  };
}
