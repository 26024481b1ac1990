/**
 * The answer of a model that does as it is told: the first sentence of the first numbered passage in the prompt, headings aside, and its citation.
 * It knows passages as `<passage number="1" ...>text</passage>` and as paragraphs that start with `[1]`.
 *
 * @param texts those of the messages
 */
export function groundedEcho(texts: readonly string[]): string {
  const prompt = texts.join("\n");
  const tagged = /<passage number="1"[^>]*>([\s\S]*?)<\/passage>/.exec(prompt)?.[1];
  const passage = tagged ?? /^\[1\]\s*([\s\S]*?)(?=\n\s*\n|\n\[2\]|$(?![\s\S]))/m.exec(prompt)?.[1];
  if (passage === undefined) return "There are no passages to answer from.";
  const [first] = sentences.segment(passage.replaceAll(heading, "").trim() || passage.trim());
  return first ? `${first.segment.replace(/\s+/g, " ").trim()} [1]` : "There are no passages to answer from.";
}

/** Of Markdown: it says nothing that could be cited. */
const heading = /^#{1,6} .*$/gm;
const sentences = new Intl.Segmenter("en", { granularity: "sentence" });
