/** Parts of sets with relevance judgements, as `quartet eval` reads them: a JSON object a line, and judgements with tabs between. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";

const linesOf = async (folder: string, file: string): Promise<string[]> =>
  (await readFile(path.join(folder, file), "utf8")).trimEnd().split("\n");
const write = (folder: string, file: string, lines: readonly string[]) =>
  writeFile(path.join(folder, file), `${lines.join("\n")}\n`);
const idOf = (line: string) => (JSON.parse(line) as { readonly id: string }).id;
const columnsOf = (judgement: string) => judgement.split("\t");

/** The set in a new folder, with its judged queries alone: those that its corpus can answer. */
export async function judgedPart(from: string, to: string): Promise<string> {
  await mkdir(to);
  for (const file of ["corpus.jsonl", "qrels.tsv", "answers.jsonl"]) {
    // Of a set without answers it leads nowhere, which is as if it were not there.
    await symlink(path.join(from, file), path.join(to, file));
  }
  const judged = new Set((await linesOf(from, "qrels.tsv")).map((line) => columnsOf(line)[0]));
  const queries = await linesOf(from, "queries.jsonl");
  await write(
    to,
    "queries.jsonl",
    queries.filter((line) => judged.has(idOf(line))),
  );
  return to;
}

/** The first queries of a set in a new folder, with the documents that answer them, and others beside. */
export async function partOf(
  from: string,
  to: string,
  size: { readonly queries: number; readonly documents: number },
): Promise<string> {
  await mkdir(to);
  const queries = (await linesOf(from, "queries.jsonl")).slice(0, size.queries);
  const asked = new Set(queries.map(idOf));
  const judgements = (await linesOf(from, "qrels.tsv")).filter((line) => asked.has(columnsOf(line)[0] ?? ""));
  const relevant = new Set(judgements.map((line) => columnsOf(line)[1]));
  const documents = await linesOf(from, "corpus.jsonl");
  const needed = documents.filter((line) => relevant.has(idOf(line)));
  const others = documents.filter((line) => !relevant.has(idOf(line)));
  const step = Math.floor(others.length / (size.documents - needed.length));
  const chosen = Array.from({ length: size.documents - needed.length }, (_, place) => others[place * step] ?? "");
  await write(to, "queries.jsonl", queries);
  await write(to, "qrels.tsv", judgements);
  await write(to, "corpus.jsonl", [...needed, ...chosen]);
  return to;
}
