import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Health } from "@quartet/contracts/grpc/health/v1/health";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { RetrievalService } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { InstanceService } from "@quartet/contracts/type/v1/instance_service";
import { type Client, createClient, createGrpcTransport, type GrpcTransport } from "@quartet/rpc";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** The retrieval service as a process of its own, called over gRPC; it is started again on another port, but with the same stores. */
export interface RetrievalProcess extends AsyncDisposable {
  readonly documents: Client<typeof DocumentService>;
  readonly index: Client<typeof IndexService>;
  readonly retrieval: Client<typeof RetrievalService>;
  readonly instance: Client<typeof InstanceService>;
  readonly health: Client<typeof Health>;
  /** Everything that it has written, of all its lives. */
  readonly output: () => string;
  readonly isAlive: () => boolean;
  /** Files and sockets it has open. */
  handleCount(): Promise<number>;
  residentBytes(): Promise<number>;
  /** Sends the signal, waits for the end, and gives the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
  start(): Promise<void>;
}

/** Resolves when the port is open; throws with what was written when the process ends before. */
export async function startRetrieval(environment: Readonly<Record<string, string>>): Promise<RetrievalProcess> {
  let output = "";
  let child: ChildProcess | undefined;
  let transport: GrpcTransport | undefined;
  const clients = {} as Pick<RetrievalProcess, "documents" | "index" | "retrieval" | "instance" | "health">;

  const start = async () => {
    const begins = output.length;
    const started = spawn(
      process.execPath,
      ["--conditions=@quartet/source", "--disable-warning=ExperimentalWarning", main],
      {
        env: { PATH: process.env["PATH"], QUARTET_RETRIEVAL_PORT: "0", ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    const port = await portOf(started, () => output.slice(begins));
    transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    Object.assign(clients, {
      documents: createClient(DocumentService, transport),
      index: createClient(IndexService, transport),
      retrieval: createClient(RetrievalService, transport),
      instance: createClient(InstanceService, transport),
      health: createClient(Health, transport),
    });
  };
  const stop = async (signal: NodeJS.Signals) => {
    transport?.close();
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, "exit");
    child.kill(signal);
    return ((await ended) as [number | null])[0];
  };
  await start();
  return {
    get documents() {
      return clients.documents;
    },
    get index() {
      return clients.index;
    },
    get retrieval() {
      return clients.retrieval;
    },
    get instance() {
      return clients.instance;
    },
    get health() {
      return clients.health;
    },
    output: () => output,
    isAlive: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    handleCount: async () => (await readdir(`/proc/${child?.pid}/fd`)).length,
    residentBytes: async () => {
      const { status } = await clients.instance.getInstanceReport({});
      return Number(status!.instances[0]!.residentByteCount);
    },
    start,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop("SIGKILL")),
  };
}

async function portOf(child: ChildProcess, output: () => string): Promise<number> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    const port = /"port":(\d+),[^\n]*"msg":"listening"/.exec(output())?.[1];
    if (port !== undefined) return Number(port);
    if (child.exitCode !== null || child.signalCode !== null) break;
  }
  child.kill("SIGKILL");
  throw new Error(`the retrieval service did not start:\n${output()}`);
}

/** Waits until the condition holds, which it does in time or the test fails with what was seen last. */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  limitMs = 30_000,
): Promise<T> {
  let last: unknown;
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(100)) {
    try {
      const seen = await look();
      if (holds(seen)) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`not within ${limitMs} ms: ${what}; last seen: ${describe(last)}`);
}

const describe = (value: unknown): string =>
  value instanceof Error
    ? String(value)
    : JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each))?.slice(0, 2_000);
