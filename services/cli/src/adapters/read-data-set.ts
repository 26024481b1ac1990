import { stat } from "node:fs/promises";
import path from "node:path";
import { type DataSet, parseAnswers, parseJudgement, parseQuery, type Query } from "../domain/data-set.ts";
import { readLines } from "./read-lines.ts";
import { explain, type SourceFile } from "./source-files.ts";

/**
 * Reads queries.jsonl, qrels.tsv and, where there is one, answers.jsonl.
 *
 * @throws {Error} naming the file, and the line that cannot be understood
 */
export async function readDataSet(folder: string, signal: AbortSignal): Promise<DataSet> {
  const grades = new Map<string, Map<string, number>>();
  const qrels = path.join(folder, "qrels.tsv");
  for await (const { line, number } of numberedLines(qrels, signal)) {
    const judgement = parseJudgement(line);
    if (judgement === undefined && number === 1) continue;
    const { query, document, grade } = judgement ?? unreadable(qrels, number);
    const judged = grades.get(query) ?? new Map<string, number>();
    grades.set(query, judged.set(document, grade));
  }
  const queries = await readQueries(path.join(folder, "queries.jsonl"), signal);
  return { name: path.basename(path.resolve(folder)), queries, grades, answers: await readAnswers(folder, signal) };
}

/** @throws {Error} naming the line that is no query */
export async function readQueries(file: string, signal: AbortSignal): Promise<Query[]> {
  const queries: Query[] = [];
  for await (const { line, number } of numberedLines(file, signal)) {
    queries.push(parseQuery(line) ?? unreadable(file, number));
  }
  return queries;
}

/** The corpus, as a file to read documents from. */
export async function corpusOf(folder: string): Promise<SourceFile> {
  const file = path.join(folder, "corpus.jsonl");
  return { path: file, id: "corpus.jsonl", format: "jsonl", byteCount: await sizeOf(file) };
}

async function readAnswers(folder: string, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
  const file = path.join(folder, "answers.jsonl");
  const answers = new Map<string, readonly string[]>();
  const isThere = await stat(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return answers;
  for await (const { line, number } of numberedLines(file, signal)) {
    const read = parseAnswers(line) ?? unreadable(file, number);
    answers.set(read.id, read.answers);
  }
  return answers;
}

async function* numberedLines(file: string, signal: AbortSignal): AsyncGenerator<{ line: string; number: number }> {
  await sizeOf(file);
  let number = 0;
  for await (const line of readLines(file, signal)) {
    number++;
    if (line.trim() !== "") yield { line, number };
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    throw new Error(`${file}: ${explain(error)}`, { cause: error });
  }
}

function unreadable(file: string, number: number): never {
  throw new Error(`${file}:${number}: the line cannot be understood`);
}
