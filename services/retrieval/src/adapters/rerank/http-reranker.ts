import { restMsOf } from "@quartet/key-pool";
import { Agent, request, type Dispatcher } from "undici";
import { sha256 } from "../../domain/passage-content.ts";
import type { Reranker } from "../../domain/reranker.ts";
import { BrokenRerankReplyError, connectionError, resting, statusError } from "./rerank-errors.ts";
import { readScores, rerankBody, type RerankForm } from "./rerank-forms.ts";

export interface HttpRerankerOptions {
  /** The endpoint itself, with its path. */
  readonly url: string;
  readonly form: RerankForm;
  /** As the endpoint names it; empty where it serves one alone. */
  readonly model: string;
  readonly apiKey?: string | undefined;
  readonly maxCandidates: number;
  /** Connections kept to the endpoint at most. Default: 16. */
  readonly connections?: number;
  /** Of the monotonic clock. Default: performance.now. */
  readonly nowMs?: () => number;
}

export interface HttpReranker extends Reranker {
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>;
}

interface Answer {
  readonly reply: Dispatcher.ResponseData;
  readonly text: string;
}

/** How long an idle connection is kept. */
const keepAliveMs = 30_000;
const connectTimeoutMs = 2_000;
/** A thousand scores are 100 KB. */
const maxReplyBytes = 1024 ** 2;
/** Longer than this it is not left alone, whatever it asks for: an operator may have mended it. */
const maxRestMs = 60_000;

/**
 * A reranker behind HTTP. It never retries: a search has no time for a second attempt, and the fusion's order is a good answer. Where the
 * endpoint names a time to come back (429, 503), it is not asked before. The caller limits the time.
 *
 * Throws StoreUnavailableError, StoreRefusedError, StoreBusyError while it rests, BrokenRerankReplyError, and the signal's reason.
 */
export function createHttpReranker(options: HttpRerankerOptions): HttpReranker {
  const { url, form, model, apiKey, maxCandidates, connections = 16, nowMs = () => performance.now() } = options;
  const dispatcher = new Agent({
    connections,
    keepAliveTimeout: keepAliveMs,
    // Both end with the caller's signal.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: maxReplyBytes,
    connect: { timeout: connectTimeoutMs },
  });
  const headers = {
    "content-type": "application/json",
    accept: "application/json",
    "accept-encoding": "identity",
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  let restsUntilMs = -Infinity;

  const post = async (body: string, signal: AbortSignal): Promise<Answer> => {
    try {
      const reply = await request(url, { method: "POST", headers, body, signal, dispatcher });
      return { reply, text: await reply.body.text() };
    } catch (error) {
      signal.throwIfAborted();
      throw connectionError(error);
    }
  };

  return {
    // With how many it orders: the rest stands as the fusion ordered it, and so the whole differs.
    id: `http ${sha256(JSON.stringify([url, form, model, maxCandidates])).slice(0, 16)}`,
    maxCandidates,
    readsTexts: true,
    rerank: async ({ text: query, candidates }, { signal }) => {
      if (nowMs() < restsUntilMs) throw resting();
      const { reply, text } = await post(rerankBody(form, { model, query, candidates }), signal);
      if (reply.statusCode !== 200) {
        restsUntilMs = Math.max(restsUntilMs, nowMs() + restMs(reply));
        throw statusError(reply.statusCode);
      }
      const scores = readScores(form, parse(text), candidates.length);
      return candidates.map(({ passageId }, index) => ({ passageId, score: scores[index]! }));
    },
    close: () => dispatcher.destroy(),
  };
}

function restMs({ statusCode, headers }: Dispatcher.ResponseData): number {
  if (statusCode !== 429 && statusCode !== 503) return 0;
  const get = (name: string) => {
    const value = headers[name];
    return typeof value === "string" ? value : null;
  };
  return Math.min(maxRestMs, restMsOf({ get }) ?? 0);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BrokenRerankReplyError("no JSON");
  }
}
