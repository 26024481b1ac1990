import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { documentIdOf } from "../domain/document-id.ts";
import type { Remark } from "../domain/source-document.ts";

export type SourceFormat = "text" | "markdown" | "jsonl";

/** A file to read documents from. */
export interface SourceFile {
  /** Where it is, absolute. */
  readonly path: string;
  /** What its document is called, and what people are told. */
  readonly id: string;
  readonly format: SourceFormat;
  readonly byteCount: number;
}

export interface FoundFiles {
  readonly files: readonly SourceFile[];
  /** Paths that cannot be read. */
  readonly problems: readonly Remark[];
  /** Files in folders whose extension says that they are something else. */
  readonly ignoredCount: number;
}

const formats: ReadonlyMap<string, SourceFormat> = new Map([
  [".txt", "text"],
  [".text", "text"],
  [".md", "markdown"],
  [".markdown", "markdown"],
  [".jsonl", "jsonl"],
  [".ndjson", "jsonl"],
]);

/**
 * Finds the files to index: those given, whatever their extension, and in given folders those with a known one. Hidden entries and
 * node_modules are passed over, links inside folders are not followed. In the order given, folders by name.
 */
export async function findSourceFiles(paths: readonly string[], root: string): Promise<FoundFiles> {
  const files: SourceFile[] = [];
  const problems: Remark[] = [];
  let ignoredCount = 0;

  const add = async (given: string, file: string, format: SourceFormat) => {
    const id = documentIdOf({ root, given, file });
    files.push({ path: file, id, format, byteCount: (await stat(file)).size });
  };

  const walk = async (given: string, folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const child = path.join(folder, entry.name);
      const format = formats.get(path.extname(entry.name).toLowerCase());
      if (entry.isDirectory()) await attempt(child, () => walk(given, child));
      else if (entry.isFile() && format) await attempt(child, () => add(given, child, format));
      else if (entry.isFile()) ignoredCount++;
    }
  };

  const attempt = async (where: string, read: () => Promise<void>) => {
    try {
      await read();
    } catch (error) {
      problems.push({ where, message: explain(error) });
    }
  };

  for (const each of paths) {
    const given = path.resolve(root, each);
    await attempt(each, async () => {
      const found = await stat(given);
      if (found.isDirectory()) await walk(given, given);
      else await add(given, given, formats.get(path.extname(given).toLowerCase()) ?? "text");
    });
  }
  return { files, problems, ignoredCount };
}

const explanations: ReadonlyMap<unknown, string> = new Map([
  ["ENOENT", "no such file or folder"],
  ["EACCES", "it may not be read by this user"],
  ["EPERM", "it may not be read by this user"],
  ["EISDIR", "it is a folder"],
]);

/** What a failed read means, in words. */
export const explain = (error: unknown): string => {
  const code = (error as { code?: unknown }).code;
  return explanations.get(code) ?? `it cannot be read (${String(code ?? error)})`;
};
