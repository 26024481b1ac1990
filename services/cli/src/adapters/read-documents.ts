import { readFile } from "node:fs/promises";
import { nameOf } from "../domain/document-id.ts";
import { parseJsonlDocument } from "../domain/jsonl-document.ts";
import { markdownTitle } from "../domain/markdown-title.ts";
import type { SourceItem } from "../domain/source-document.ts";
import { decodeText, NotTextError } from "./decode-text.ts";
import { readLines } from "./read-lines.ts";
import { explain, type SourceFile } from "./source-files.ts";

/** The largest text one document may hold, in bytes; the contract's. */
const maxTextBytes = 3 * 1024 * 1024;

/** The documents of one file, and what is wrong with it; a file that cannot be read is a problem, not an error. */
export async function* readDocuments(file: SourceFile, signal: AbortSignal): AsyncGenerator<SourceItem> {
  try {
    if (file.format === "jsonl") yield* readJsonl(file, signal);
    else yield await readWhole(file, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    yield { kind: "problem", where: file.id, message: error instanceof NotTextError ? error.message : explain(error) };
  }
}

async function readWhole({ path, id, format, byteCount }: SourceFile, signal: AbortSignal): Promise<SourceItem> {
  if (byteCount > maxTextBytes) {
    const size = (byteCount / 1024 / 1024).toFixed(1);
    return {
      kind: "problem",
      where: id,
      message: `${size} MiB; a document holds at most 3 MiB: split it into several files`,
    };
  }
  const text = decodeText(await readFile(path, { signal }));
  if (text.trim() === "") return { kind: "notice", where: id, message: "empty, passed over" };
  const isMarkdown = format === "markdown";
  const title = (isMarkdown ? markdownTitle(text) : undefined) ?? nameOf(path);
  const mediaType = isMarkdown ? "text/markdown" : "text/plain";
  return {
    kind: "document",
    where: id,
    document: { id, title, text, mediaType, tags: [], metadata: {}, uri: id },
    byteCount,
  };
}

async function* readJsonl(file: SourceFile, signal: AbortSignal): AsyncGenerator<SourceItem> {
  const unknown = new Set<string>();
  let number = 0;
  for await (const line of readLines(file.path, signal)) {
    number++;
    if (line.trim() === "") continue;
    const where = `${file.id}:${number}`;
    const read = parseJsonlDocument(line);
    if ("problem" in read) {
      yield { kind: "problem", where, message: read.problem };
      continue;
    }
    for (const field of read.unknownFields) unknown.add(field);
    if (read.document.text.trim() === "") yield { kind: "notice", where, message: "empty text, passed over" };
    else yield { kind: "document", where, document: read.document, byteCount: Buffer.byteLength(line) + 1 };
  }
  if (unknown.size > 0) {
    const message = `ignored fields that documents do not have: ${[...unknown].sort().join(", ")}`;
    yield { kind: "notice", where: file.id, message };
  }
}
