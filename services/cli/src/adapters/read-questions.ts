import { readLines } from "./read-lines.ts";

/**
 * The questions of a file, one a line; in a `.jsonl` file each line is an object whose `text` or `query` it is. Empty lines are left out.
 *
 * @throws {Error} naming the line that is none
 */
export async function readQuestions(file: string, signal: AbortSignal): Promise<readonly string[]> {
  const questions: string[] = [];
  let number = 0;
  for await (const line of readLines(file, signal)) {
    number++;
    const text = line.trim();
    if (text === "") continue;
    questions.push(file.endsWith(".jsonl") ? ofJson(text, `${file}:${number}`) : text);
  }
  return questions;
}

function ofJson(line: string, where: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${where} is no JSON.`);
  }
  const { text, query = text } = (value ?? {}) as { readonly text?: unknown; readonly query?: unknown };
  if (typeof query === "string" && query.trim() !== "") return query;
  throw new Error(`${where} has no "text" and no "query".`);
}
