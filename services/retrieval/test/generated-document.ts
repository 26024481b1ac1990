import type { EmbeddingSpace } from "../src/domain/collection.ts";
import { cutDocument } from "./contract/subject.ts";

export const generatedSpace: EmbeddingSpace = {
  id: "1".repeat(16),
  dimensions: 2,
  kind: "hashed",
  denseWeight: 0.5,
  cacheThreshold: 2,
  model: "m",
};

/** Of every content. */
export const generatedVector = { kind: "int8", values: Int8Array.of(1, 2), scale: 1 } as const;

/** A document of several passages, all of which say which number and round it is of. */
export function generatedDocument({ number, round }: { readonly number: number; readonly round: number }) {
  const paragraph = `문서${number}의 ${round}번째 판이다. marker${round}x is in every paragraph of it. `.repeat(12);
  return cutDocument(`document-${number}`, { text: Array(5).fill(paragraph).join("\n\n"), metadata: { round } });
}
