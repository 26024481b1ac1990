import { type Grades, isRelevant } from "./ranking-metrics.ts";

/** One question of a data set. */
export interface Query {
  readonly id: string;
  readonly text: string;
  /** False where the set says that its corpus holds no answer. */
  readonly answerable: boolean;
}

/** A judged data set. All ids are in NFC. */
export interface DataSet {
  /** The folder's name. */
  readonly name: string;
  readonly queries: readonly Query[];
  /** The judged documents of each query. */
  readonly grades: ReadonlyMap<string, Grades>;
  /** Answers that are right, where known. */
  readonly answers: ReadonlyMap<string, readonly string[]>;
}

/** The first queries, in the set's order, with at least one relevant document. */
export const judgedQueries = ({ queries, grades }: DataSet, limit: number): Query[] =>
  queries.filter(({ id }) => [...(grades.get(id)?.values() ?? [])].some(isRelevant)).slice(0, limit);

/** The first queries that the set says its corpus cannot answer. */
export const unanswerableQueries = ({ queries }: DataSet, limit: number): Query[] =>
  queries.filter(({ answerable }) => !answerable).slice(0, limit);

/** A line of queries.jsonl: `{"id", "text", "answerable"?}`; undefined if it is none. */
export function parseQuery(line: string): Query | undefined {
  const value = parseObject(line);
  const { id, text, answerable } = value ?? {};
  if (typeof id !== "string" || typeof text !== "string" || text.trim() === "") return undefined;
  return { id: id.normalize("NFC"), text, answerable: answerable !== false };
}

/** A line of answers.jsonl: `{"id", "answers": [...]}`; undefined if it is none. */
export function parseAnswers(line: string): { readonly id: string; readonly answers: readonly string[] } | undefined {
  const { id, answers } = parseObject(line) ?? {};
  if (typeof id !== "string" || !Array.isArray(answers)) return undefined;
  return { id: id.normalize("NFC"), answers: answers.filter((answer) => typeof answer === "string") };
}

/** A line of qrels.tsv: query, document and grade, with tabs between; undefined if it is none, as a line of headings. */
export function parseJudgement(line: string): { query: string; document: string; grade: number } | undefined {
  const [query, document, grade, ...more] = line.replace(/\r$/, "").split("\t");
  if (!query || !document || !grade || more.length > 0 || !/^-?\d+$/.test(grade)) return undefined;
  return { query: query.normalize("NFC"), document: document.normalize("NFC"), grade: Number(grade) };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
