import { Pool } from "undici";
import type { BenchDocument } from "./corpus.ts";
import type { LoadOptions, LoadResult } from "./load.ts";
import type { Subject } from "./subjects.ts";

/** One HTTP/1.1 client for all subjects, with kept connections, so that its own cost is the same for each. */
export interface SubjectClient {
  /** Posts a message as JSON and gives the answer's text; rejects on anything but success. */
  post(path: string, message: unknown): Promise<string>;
  /** Sends one search and reads its answer to the end without looking at it. */
  send(query: string): Promise<void>;
  search(query: string): Promise<SearchAnswer>;
  /** Resolves when the documents are searchable, their vectors too. */
  put(documents: readonly BenchDocument[]): Promise<void>;
  /** Of the floor alone. */
  memory(): Promise<FloorMemory>;
  /** Of the floor alone: the same load from inside, without its server. */
  loadDirectly(
    options: Omit<LoadOptions, "send" | "cpuMs"> & { readonly queries: readonly string[] },
  ): Promise<LoadResult>;
  close(): Promise<void>;
}

export interface FloorMemory {
  /** By the store and everything else that is in use, after a collection of garbage. */
  readonly heldBytes: number;
  readonly passageCount: number;
}

export interface SearchAnswer {
  /** Document IDs, best first. */
  readonly documentIds: readonly string[];
  readonly bytes: number;
  /** Whether the question's vector came from the embedding service's cache; undefined where that is not told. */
  readonly cached: boolean | undefined;
}

interface AnswerJson {
  readonly passages: readonly { readonly documentId?: string; readonly document?: { readonly id: string } }[];
  readonly timings?: { readonly stages: readonly { readonly stage: string; readonly status: string }[] };
}

interface PutJson {
  readonly results?: readonly { readonly failure?: { readonly message: string } }[];
  readonly degradations?: readonly unknown[];
}

const timeoutMs = 60_000;

export function createSubjectClient({ name, url, searchPath, putPath }: Subject, connections: number): SubjectClient {
  const pool = new Pool(url, { connections, pipelining: 1, bodyTimeout: timeoutMs, headersTimeout: timeoutMs });
  const post = async (path: string, body: unknown): Promise<string> => {
    const headers = { "content-type": "application/json" };
    const response = await pool.request({ path, method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`${name} answered ${response.statusCode}: ${text.slice(0, 300)}`);
    return text;
  };
  return {
    post,
    send: async (query) => void (await post(searchPath, { query })),
    search: async (query) => {
      const text = await post(searchPath, { query });
      const { passages, timings } = JSON.parse(text) as AnswerJson;
      const embed = timings?.stages.find(({ stage }) => stage === "embed");
      return {
        documentIds: passages.map(({ documentId, document }) => documentId ?? document?.id ?? ""),
        bytes: Buffer.byteLength(text),
        cached: embed && embed.status === "STAGE_STATUS_CACHED",
      };
    },
    put: async (documents) => {
      const text = await post(putPath, { documents, wait: "PUT_WAIT_SEARCHABLE" });
      // Documents fail one by one; the floor throws instead.
      const { results = [], degradations = [] } = JSON.parse(text) as PutJson;
      const failure = results.find((result) => result.failure !== undefined)?.failure;
      if (failure !== undefined) throw new Error(`${name} did not store a document: ${failure.message}`);
      if (degradations.length > 0) throw new Error(`${name} did not make documents searchable: ${text.slice(0, 300)}`);
    },
    memory: async () => JSON.parse(await post("/memory", {})) as FloorMemory,
    loadDirectly: async (options) => JSON.parse(await post("/load", options)) as LoadResult,
    close: () => pool.destroy(),
  };
}
