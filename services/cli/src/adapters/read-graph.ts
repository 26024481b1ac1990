import { readFile } from "node:fs/promises";
import path from "node:path";
import { type GraphItem, type GraphItemKind, graphItemKinds, parseGraphItem } from "../domain/graph-item.ts";
import { readLines } from "./read-lines.ts";

/** An item of a graph's file with its place, or why there is none. */
export type ReadGraphItem = { readonly where: string; readonly byteCount: number } & (
  GraphItem | { readonly problem: string }
);

/**
 * The items of a file: `.json` is one object of lists `entities`, `relations` and `mentions`; anything else has an item on each line. In the order
 * of the file.
 */
export async function* readGraph(file: string, root: string, signal: AbortSignal): AsyncGenerator<ReadGraphItem> {
  const found = path.resolve(root, file);
  if (path.extname(file).toLowerCase() === ".json") {
    yield* itemsOf(await readFile(found, { encoding: "utf8", signal }), file);
    return;
  }
  let number = 0;
  for await (const line of readLines(found, signal)) {
    number += 1;
    const byteCount = Buffer.byteLength(line) + 1;
    if (line.trim() === "") continue;
    yield { where: `${file}:${number}`, byteCount, ...parsed(line) };
  }
}

function parsed(line: string): GraphItem | { readonly problem: string } {
  try {
    return parseGraphItem(JSON.parse(line));
  } catch {
    return { problem: "not valid JSON" };
  }
}

function* itemsOf(text: string, file: string): Generator<ReadGraphItem> {
  const whole = (problem: string) => ({ where: file, byteCount: Buffer.byteLength(text), problem });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return yield whole("not valid JSON; a file with an item on each line is named .jsonl");
  }
  if (typeof value !== "object" || value === null) return yield whole("not a JSON object");
  for (const [name, list] of Object.entries(value)) {
    const kind = graphItemKinds.find((each) => each === name);
    if (kind === undefined || !Array.isArray(list)) {
      yield { where: file, byteCount: 0, problem: `"${name}" is none of the lists ${graphItemKinds.join(", ")}` };
      continue;
    }
    for (const [index, each] of list.entries()) yield inList(kind, each, `${file}: ${name}[${index}]`);
  }
}

function inList(kind: GraphItemKind, value: unknown, where: string): ReadGraphItem {
  const byteCount = Buffer.byteLength(JSON.stringify(value) ?? "");
  const item = parseGraphItem(value);
  if ("problem" in item || item.kind === kind) return { where, byteCount, ...item };
  return { where, byteCount, problem: `it looks like one of ${item.kind}` };
}
