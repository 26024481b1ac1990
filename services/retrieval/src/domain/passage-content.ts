import { createHash } from "node:crypto";

/** What one passage is embedded from and indexed by: the document's title, the headings above it, and its text, a line each. */
export function passageContent(passage: {
  readonly title: string;
  readonly headings: readonly string[];
  readonly text: string;
}): string {
  return [passage.title, passage.headings.join(" > "), passage.text].filter((part) => part !== "").join("\n");
}

/** SHA-256 of the text in UTF-8, in lower-case hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
