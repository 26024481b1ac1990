import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hashedEmbedding } from "@quartet/text";
import { inMemory } from "../src/adapters/embedded/database.ts";
import { type EmbeddedStore, openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import type { Graph } from "../src/domain/graph.ts";
import { toGraph } from "../src/domain/graph.ts";
import { putDocuments } from "../src/domain/put-documents.ts";
import { createSearcher } from "../src/domain/search.ts";
import { searchDefaults, type SearchRequest } from "../src/domain/search-request.ts";
import type { Source } from "../src/domain/source.ts";
import { never } from "./contract/subject.ts";

export interface Judged {
  readonly id: string;
  readonly text: string;
  /** In the set of the graph: `linked` or `direct`. */
  readonly kind: string;
  readonly relevant: ReadonlyMap<string, number>;
}

export interface EvaluationSet {
  readonly documents: readonly { readonly id: string; readonly title: string; readonly text: string }[];
  readonly queries: readonly Judged[];
}

/** Means over questions, of the first ten documents, as trec_eval defines them. */
export interface Figures {
  readonly queries: number;
  readonly ndcg: number;
  readonly recall: number;
}

const tenant = "default";
const space = {
  id: "0123456789abcdef",
  dimensions: 2_048,
  kind: "hashed",
  denseWeight: 0.15,
  cacheThreshold: 2,
  model: "hashed",
} as const;

async function readJsonl<Row>(file: string): Promise<Row[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Row);
}

/** Reads corpus.jsonl, queries.jsonl and qrels.tsv; the first `limit` questions that are judged. */
export async function readEvaluationSet(folder: string, limit = Infinity): Promise<EvaluationSet> {
  const documents = await readJsonl<{ id: string; title?: string; text: string }>(path.join(folder, "corpus.jsonl"));
  const judgements = Map.groupBy(
    (await readFile(path.join(folder, "qrels.tsv"), "utf8")).split("\n").map((line) => line.split("\t")),
    ([query = ""]) => query,
  );
  const queries = await readJsonl<{ id: string; text: string; kind?: string }>(path.join(folder, "queries.jsonl"));
  const judged = queries.flatMap(({ id, text, kind = "" }) => {
    const relevant = new Map((judgements.get(id) ?? []).map(([, document = "", grade]) => [document, Number(grade)]));
    return [...relevant.values()].some((grade) => grade > 0) ? [{ id, text, kind, relevant }] : [];
  });
  return {
    documents: documents.map(({ title = "", ...rest }) => ({ title, ...rest })),
    queries: judged.slice(0, limit),
  };
}

interface GraphLine {
  readonly id: string;
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly source: string;
  readonly target: string;
  readonly kind: string;
}

/** Reads entities and relations as `quartet graph import` does. */
export async function readGraphFile(file: string): Promise<Graph> {
  const lines = await readJsonl<Partial<GraphLine>>(file);
  return {
    entities: lines.flatMap(({ id, name, aliases = [] }) =>
      id === undefined ? [] : [{ id, name: name!, kind: "", aliases }],
    ),
    relations: lines.flatMap(({ source, target, kind }) =>
      source === undefined ? [] : [{ source, target: target!, kind: kind!, weight: 1 }],
    ),
    mentions: [],
  };
}

/** A store in memory with the documents, their hashed vectors and the graph. */
export async function openEvaluation({ documents }: EvaluationSet, graph: Graph): Promise<EmbeddedStore> {
  const store = await openEmbeddedStore({ folder: inMemory });
  const rest = { mediaType: "", collection: "", tags: [], taxonomyPath: "", metadata: {}, language: "", uri: "" };
  for (let start = 0; start < documents.length; start += 100) {
    const batch = documents.slice(start, start + 100).map((document) => ({ ...document, ...rest }));
    await putDocuments(store, tenant, batch, never);
  }
  for (let afterPassageId: number | undefined = 0; afterPassageId !== undefined;) {
    const query = { collection: "default", spaceId: space.id, documentIds: [], afterPassageId, limit: 500 };
    const { contents, nextAfterPassageId } = await store.vectors.missing(tenant, query, never);
    const vectors = contents.map(({ contentHash, text }) => ({
      contentHash,
      vector: { kind: "float32", values: hashedEmbedding(text) } as const,
    }));
    await store.vectors.put(tenant, "default", space, vectors, never);
    afterPassageId = nextAfterPassageId;
  }
  await store.graph.put(tenant, toGraph(graph), never);
  const nothing = { entities: [], relations: [], mentions: [] };
  while ((await store.graph.put(tenant, nothing, never)).waitingDocumentCount > 0) await sleep(1);
  return store;
}

/** The first ten documents of each question, by these sources. */
export async function rankAll(
  store: EmbeddedStore,
  queries: readonly Judged[],
  sources: readonly Source[],
): Promise<readonly (readonly string[])[]> {
  const search = createSearcher({ stores: store, sources, legTimeLimitMs: 60_000 });
  const rankings: string[][] = [];
  for (const { text } of queries) {
    const request: SearchRequest = {
      ...searchDefaults,
      query: text,
      vector: { value: { kind: "float32", values: hashedEmbedding(text) }, spaceId: space.id },
      sources: sources.map(({ name }) => name),
      pageSize: 50,
      keywordLimit: 200,
      vectorLimit: 200,
    };
    const { passages } = await search(tenant, request, never);
    rankings.push([...new Set(passages.map(({ document }) => document.id))].slice(0, 10));
  }
  return rankings;
}

export function figuresOf(queries: readonly Judged[], rankings: readonly (readonly string[])[]): Figures {
  const discounted = (gains: readonly number[]) =>
    gains.reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0);
  let [ndcg, recall] = [0, 0];
  for (const [index, { relevant }] of queries.entries()) {
    const ranking = rankings[index]!;
    const ideal = [...relevant.values()].sort((left, right) => right - left).slice(0, 10);
    ndcg += discounted(ranking.map((id) => relevant.get(id) ?? 0)) / discounted(ideal);
    const wanted = [...relevant].filter(([, grade]) => grade > 0).map(([id]) => id);
    recall += wanted.filter((id) => ranking.includes(id)).length / wanted.length;
  }
  return { queries: queries.length, ndcg: ndcg / queries.length, recall: recall / queries.length };
}
