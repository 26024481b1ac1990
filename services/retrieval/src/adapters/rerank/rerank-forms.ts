import type { RerankCandidate } from "../../domain/reranker.ts";
import { BrokenRerankReplyError } from "./rerank-errors.ts";

/** Whose API an endpoint speaks. */
export const rerankForms = ["cohere", "jina", "tei"] as const;
export type RerankForm = (typeof rerankForms)[number];

export interface RerankTask {
  /** Empty where the endpoint serves one model alone. */
  readonly model: string;
  readonly query: string;
  readonly candidates: readonly RerankCandidate[];
}

/** One way of asking and of answering. */
interface Form {
  readonly body: (model: string, query: string, texts: readonly string[]) => unknown;
  /** The list of results in a reply; undefined where there is none. */
  readonly results: (reply: unknown) => unknown;
  /** The field of a result that holds its score. */
  readonly score: string;
}

const named = (model: string) => (model === "" ? {} : { model });

const resultsField = (reply: unknown) => (isObject(reply) ? reply["results"] : undefined);

/**
 * - `cohere`: POST /v2/rerank of docs.cohere.com. Without `top_n` every document is scored; documents are never sent back.
 * - `jina`: POST /v1/rerank of jina.ai, which sends documents back unless told not to. Also vLLM, llama.cpp, LocalAI, LiteLLM and others.
 * - `tei`: POST /rerank of Hugging Face's text-embeddings-inference, which refuses texts that are too long unless it may cut them.
 */
const forms: Readonly<Record<RerankForm, Form>> = {
  cohere: {
    body: (model, query, documents) => ({ ...named(model), query, documents }),
    results: resultsField,
    score: "relevance_score",
  },
  jina: {
    body: (model, query, documents) => ({
      ...named(model),
      query,
      documents,
      top_n: documents.length,
      return_documents: false,
    }),
    results: resultsField,
    score: "relevance_score",
  },
  tei: {
    body: (_model, query, texts) => ({ query, texts, raw_scores: false, return_text: false, truncate: true }),
    results: (reply) => reply,
    score: "score",
  },
};

/** What is sent, as JSON. A passage is read below its title. */
export function rerankBody(form: RerankForm, { model, query, candidates }: RerankTask): string {
  const texts = candidates.map(({ title, text }) => (title === "" ? text : `${title}\n${text}`));
  return JSON.stringify(forms[form].body(model, query, texts));
}

/**
 * The scores that a reply gives, by candidate, believing nothing of it. Models whose scores are no probabilities, as some servers hand them on,
 * are brought into [0, 1] by the logistic function, all of a reply alike.
 *
 * @throws {BrokenRerankReplyError} where it does not give each of the `count` candidates one finite score
 */
export function readScores(form: RerankForm, reply: unknown, count: number): readonly number[] {
  const { results, score: field } = forms[form];
  const list: unknown = results(reply);
  if (!Array.isArray(list)) throw new BrokenRerankReplyError("no list of results");
  if (list.length !== count) throw new BrokenRerankReplyError(`${list.length} results for ${count} passages`);
  const scores: number[] = [];
  for (const item of list) {
    const { index, [field]: score } = isObject(item) ? item : {};
    if (!isIndex(index, count) || scores[index] !== undefined)
      throw new BrokenRerankReplyError("an index that is none or occurs twice");
    if (typeof score !== "number" || !Number.isFinite(score))
      throw new BrokenRerankReplyError("a score that is no number");
    scores[index] = score;
  }
  return scores.every((score) => score >= 0 && score <= 1) ? scores : scores.map(logistic);
}

const logistic = (score: number): number => 1 / (1 + Math.exp(-score));

const isIndex = (value: unknown, count: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < count;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
