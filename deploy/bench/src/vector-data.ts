import { createHash } from "node:crypto";
import type { Pool } from "@quartet/postgres";
import type { EmbeddingSpace, VectorIndex } from "@quartet/retrieval-service/postgres-vectors";
import { createRandom } from "./random.ts";

/** Passages come in topics: vectors of a topic lie together, as those of a subject do. */
export const topicCount = 200;
/** How far a vector lies from the middle of its topic: two of one topic have a cosine near .7. */
const spread = 0.65;

export interface Topics {
  /** The vector of a passage, or a question, on a topic. The same seed gives the same. */
  vectorOn(topic: number, seed: number): Float32Array;
}

export function createTopics(dimensions: number): Topics {
  const middles = Array.from({ length: topicCount }, (_, topic) => {
    const random = createRandom(1_000_003 + topic);
    return Float32Array.from({ length: dimensions }, () => random() - 0.5);
  });
  return {
    vectorOn(topic, seed) {
      const random = createRandom(seed * 2_654_435_761);
      return middles[topic]!.map((component) => component + (random() - 0.5) * spread * 2);
    },
  };
}

export interface Filling {
  readonly tenant: string;
  readonly count: number;
  /** The topics that its passages are on, from 0. */
  readonly topics: number;
}

/**
 * Documents of one passage, written as rows, because it is not putting documents that is measured. Passage i is on topic i mod `topics`, and
 * carries the tags `percent` (one in a hundred, over all topics), `corner` (topics 0 and 1) and `half` (the first half of all topics).
 */
export async function fillRecord(owner: Pool, { tenant, count, topics }: Filling, signal: AbortSignal): Promise<void> {
  await owner.transaction({ tenant, signal, timeoutMs: 300_000 }, async (transaction) => {
    await transaction.execute(
      `WITH home AS (
         INSERT INTO collection (tenant, name, record_seq, projected_seq, document_count, passage_count)
         VALUES ($1, 'default', 1, 1, $2::int, $2::int) RETURNING id
       ), d AS (
         INSERT INTO document (tenant, document_id, collection_id, collection, title, media_type, language, uri, tags, taxonomy_path, metadata,
           moments, version, content_hash, create_time_ms, update_time_ms, seq, passage_count, text_bytes)
         SELECT $1, 'd' || i, home.id, 'default', '', 'text/plain', 'en', '', array_remove(ARRAY[CASE WHEN i % 101 = 0 THEN 'percent' END,
             CASE WHEN i % $3::int < 2 THEN 'corner' END, CASE WHEN i % $3::int < ${topicCount / 2} THEN 'half' END], NULL),
           '', '{}', '{}', 1, '', 0, 0, nextval('change_seq'), 1, 10 FROM home, generate_series(0, $2::int - 1) i RETURNING *
       )
       INSERT INTO passage (tenant, document, collection_id, ordinal, start_offset, end_offset, content_hash, headings, text)
       SELECT tenant, id, collection_id, 0, 0, 10, sha256(convert_to(document_id, 'UTF8')), '{}', 'passage ' || document_id FROM d`,
      [tenant, count, topics],
    );
  });
}

const vectorsPerPut = 256;

/** Gives each passage its vector, by the port. */
export async function fillVectors(
  index: VectorIndex,
  space: EmbeddingSpace,
  topics: Topics,
  { tenant, count, topics: ownTopics }: Filling,
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < count; from += vectorsPerPut) {
    const vectors = Array.from({ length: Math.min(vectorsPerPut, count - from) }, (_, offset) => {
      const number = from + offset;
      const contentHash = createHash("sha256").update(`d${number}`).digest("hex");
      return { contentHash, vector: { kind: "float32" as const, values: topics.vectorOn(number % ownTopics, number) } };
    });
    await index.put(tenant, "default", space, vectors, { signal });
  }
}

/** As autovacuum would do soon. */
export async function analyse(owner: Pool, signal: AbortSignal): Promise<void> {
  await owner.transaction({ signal, timeoutMs: 300_000 }, (transaction) => transaction.execute("ANALYZE"));
}
