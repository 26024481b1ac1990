import { cutDocument } from "./contract/subject.ts";

/** A document of several passages, all of which say which number and round it is of. */
export function generatedDocument({ number, round }: { readonly number: number; readonly round: number }) {
  const paragraph = `문서${number}의 ${round}번째 판이다. marker${round}x is in every paragraph of it. `.repeat(12);
  return cutDocument(`document-${number}`, { text: Array(5).fill(paragraph).join("\n\n"), metadata: { round } });
}
