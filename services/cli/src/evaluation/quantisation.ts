import { QuartetError } from "@quartet/client";
import { type Embedding, EmbeddingPurpose } from "@quartet/contracts/embedding/v1/embedding_service";
import { VectorEncoding } from "@quartet/contracts/type/v1/vector";
import { forEachConcurrently } from "../domain/concurrently.ts";
import type { Query } from "../domain/data-set.ts";
import { fromBytes, nearest, shareFound } from "../domain/nearest.ts";
import { mean, rounded } from "../domain/statistics.ts";
import type { Subject } from "./subject.ts";

/** What a byte a component costs in quality, and saves in room. */
export interface QuantisationReport {
  /** Vectors that were compared: passages with equal content count once. */
  readonly passages: number;
  readonly queries: number;
  /**
   * The mean share of the ten nearest passages by exact float32 that are among the ten nearest where passages, and questions too, have a byte
   * a component.
   */
  readonly recall_at_10: number;
  /** Of the passages' vectors: four bytes a component. */
  readonly float32_bytes: number;
  /** A byte a component, and the scale. */
  readonly int8_bytes: number;
}

const depth = 10;
const textsPerCall = 64;
const contentsPerPage = 256;
const scaleBytes = 4;
/** No embedder's: in a space never seen all passages lack a vector. */
const unknownSpace = "0".repeat(32);

/** A text's vector as the model made it, and as it is in a byte a component. */
interface Encoded {
  readonly exact: Float32Array;
  readonly quantised: Float32Array;
}

/**
 * Compares searches by int8 with exact ones, passage by passage, in memory.
 *
 * @returns undefined where the server does not show its embedding and retrieval services, or keeps vectors in bytes alone
 */
export async function measureQuantisation(
  subject: Subject,
  queries: readonly Query[],
): Promise<QuantisationReport | undefined> {
  try {
    const passages = await embed(subject, await contents(subject), EmbeddingPurpose.DOCUMENT);
    const questions = await embed(
      subject,
      queries.map(({ text }) => text),
      EmbeddingPurpose.QUERY,
    );
    const exact = passages.map((passage) => passage.exact);
    const quantised = passages.map((passage) => passage.quantised);
    const shares = questions.map((question) => {
      subject.signal.throwIfAborted();
      subject.onQuestion();
      return shareFound(nearest(question.exact, exact, depth), nearest(question.quantised, quantised, depth));
    });
    const components = exact.reduce((sum, { length }) => sum + length, 0);
    return {
      passages: passages.length,
      queries: questions.length,
      recall_at_10: rounded(mean(shares), 4),
      float32_bytes: components * Float32Array.BYTES_PER_ELEMENT,
      int8_bytes: components + passages.length * scaleBytes,
    };
  } catch (error) {
    if (error instanceof QuartetError && error.code === "unimplemented") return undefined;
    throw error;
  }
}

/** What the passages are embedded from. */
async function contents({ index, signal, collection }: Subject): Promise<string[]> {
  const texts: string[] = [];
  for (let pageToken = ""; ;) {
    const request = { collection, spaceId: unknownSpace, pageSize: contentsPerPage, pageToken };
    const page = await index.listPassagesWithoutVector(request, { signal });
    texts.push(...page.contents.map(({ text }) => text));
    if (page.nextPageToken === "") return texts;
    pageToken = page.nextPageToken;
  }
}

async function embed(subject: Subject, texts: readonly string[], purpose: EmbeddingPurpose): Promise<Encoded[]> {
  const { embedding, signal, concurrency } = subject;
  const encoded: Encoded[] = [];
  const starts = Array.from({ length: Math.ceil(texts.length / textsPerCall) }, (_, call) => call * textsPerCall);
  await forEachConcurrently(starts, concurrency, async (start) => {
    const request = { texts: texts.slice(start, start + textsPerCall), purpose };
    const ask = async (encoding: VectorEncoding) =>
      (await embedding.embedTexts({ ...request, encoding }, { signal })).embeddings.map(valuesOf);
    // The second comes from the cache, in part or whole.
    const exact = await ask(VectorEncoding.FLOAT32);
    const quantised = await ask(VectorEncoding.INT8);
    exact.forEach((values, place) => {
      encoded[start + place] = { exact: values, quantised: quantised[place]! };
    });
  });
  return encoded;
}

function valuesOf({ vector }: Embedding): Float32Array {
  const encoding = vector?.encoding;
  if (encoding?.case === "float32") return Float32Array.from(encoding.value.values);
  if (encoding?.case !== "int8") throw new Error("The embedding service gave a text no vector.");
  const { values, scale } = encoding.value;
  return fromBytes({ bytes: new Int8Array(values.buffer, values.byteOffset, values.length), scale });
}
