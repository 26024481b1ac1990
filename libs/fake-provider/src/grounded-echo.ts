/**
 * The answer of a model that does as it is told: the first sentence of the first numbered passage in the prompt, and its citation.
 * It knows passages as `<passage number="1" ...>text</passage>` and as paragraphs that start with `[1]`.
 */
export function groundedEcho(body: unknown): string {
  const prompt = messagesOf(body).join("\n");
  const tagged = /<passage number="1"[^>]*>([\s\S]*?)<\/passage>/.exec(prompt)?.[1];
  const passage = tagged ?? /^\[1\]\s*([\s\S]*?)(?=\n\s*\n|\n\[2\]|$(?![\s\S]))/m.exec(prompt)?.[1];
  const [first] = new Intl.Segmenter("en", { granularity: "sentence" }).segment(passage?.trim() ?? "");
  return first ? `${first.segment.replace(/\s+/g, " ").trim()} [1]` : "There are no passages to answer from.";
}

/** The texts of the messages of a chat request, in order. */
function messagesOf(body: unknown): readonly string[] {
  const messages: unknown = (body as { readonly messages?: unknown } | undefined)?.messages;
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: { readonly content?: unknown } | null) => {
    const content = message?.content;
    if (typeof content === "string") return [content];
    return Array.isArray(content) ? content.map((part: { readonly text?: unknown }) => String(part.text ?? "")) : [];
  });
}
