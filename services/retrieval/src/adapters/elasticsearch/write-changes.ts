import { backOffMs, pause } from "@quartet/resilience";
import type { DocumentChange } from "../../domain/outbox.ts";
import {
  IndexMissingError,
  ProjectionBusyError,
  type RefusedPassage,
  type WriteResult,
} from "../../domain/projection.ts";
import { type ItemAnswer, judge, type Operation, operationsOf, refusedPassage, removalOf, requestsOf } from "./bulk.ts";
import type { Connection } from "./connection.ts";
import { ElasticsearchError, protocolError, readErrorType, store } from "./errors.ts";

export interface WriteOptions {
  readonly connection: Connection;
  readonly signal: AbortSignal;
  /** Waits between attempts after the engine asked for less. Defaults: 5 attempts, from 200 ms, up to 5 s. */
  readonly maxAttempts?: number;
  readonly baseMs?: number;
}

/** Whoever waits for it has a limit of its own, which is meant to come first. */
const requestTimeoutMs = 60_000;

/** Writes the changes to each index, request by request. See ProjectionWriter. */
export async function writeChanges(
  indexes: readonly string[],
  changes: readonly DocumentChange[],
  options: WriteOptions,
): Promise<WriteResult> {
  const refused = new Map<number, RefusedPassage>();
  for (const request of requestsOf(lazyOperations(changes))) {
    for (const index of indexes) {
      for (const passage of await writeRequest(index, request, options)) refused.set(passage.passageId, passage);
    }
  }
  const passageCount = changes.reduce((sum, { current }) => sum + (current?.passages.length ?? 0), 0);
  return { passageCount, refused: [...refused.values()] };
}

/** Made as they are written: terms take time and room. */
function* lazyOperations(changes: readonly DocumentChange[]): Generator<Operation> {
  for (const change of changes) yield* operationsOf(change);
}

/** Gives what was refused; throws where something is left that may pass. */
async function writeRequest(
  index: string,
  request: readonly Operation[],
  options: WriteOptions,
): Promise<readonly RefusedPassage[]> {
  const { signal, maxAttempts = 5, baseMs = 200 } = options;
  const refused: RefusedPassage[] = [];
  let left = request;
  for (let attempt = 1; ; attempt += 1) {
    const round = await writeRound(index, left, options);
    refused.push(...round.refused);
    left = [...round.again, ...round.removals];
    if (left.length === 0) return refused;
    if (round.again.length === 0) continue;
    if (attempt >= maxAttempts) throw new ProjectionBusyError(store);
    await pause(backOffMs(attempt, { baseMs, maxMs: 5_000 }), signal);
  }
}

interface Round {
  readonly again: readonly Operation[];
  readonly refused: readonly RefusedPassage[];
  /** Of passages that were refused. */
  readonly removals: readonly Operation[];
}

async function writeRound(index: string, operations: readonly Operation[], options: WriteOptions): Promise<Round> {
  const answers = await send(index, operations, options);
  if (answers === "busy") return { again: operations, refused: [], removals: [] };
  if (answers === "too large") return splitRound(index, operations, options);
  const again: Operation[] = [];
  const refused: RefusedPassage[] = [];
  const removals: Operation[] = [];
  operations.forEach((operation, position) => {
    const answer = answers[position]!;
    switch (judge(operation, answer)) {
      case "done":
        return;
      case "again":
        return void again.push(operation);
      case "refused":
        refused.push(refusedPassage(operation, answer.type ?? "unknown error"));
        return void removals.push(removalOf(operation));
      case "missing":
        throw new IndexMissingError(store);
      case "failed":
        throw new ElasticsearchError(answer.status, answer.type ?? "unknown error");
    }
  });
  return { again, refused, removals };
}

/** A proxy or a small limit before Elasticsearch takes less at once; a passage that is too large alone is refused. */
async function splitRound(index: string, operations: readonly Operation[], options: WriteOptions): Promise<Round> {
  if (operations.length === 1) {
    const [operation] = operations;
    if (operation!.action === "delete") throw new ElasticsearchError(413, "the smallest request is too large");
    return {
      again: [],
      refused: [refusedPassage(operation!, "too large")],
      removals: [removalOf(operation!)],
    };
  }
  const middle = Math.ceil(operations.length / 2);
  const first = await writeRound(index, operations.slice(0, middle), options);
  const second = await writeRound(index, operations.slice(middle), options);
  return {
    again: [...first.again, ...second.again],
    refused: [...first.refused, ...second.refused],
    removals: [...first.removals, ...second.removals],
  };
}

async function send(
  index: string,
  operations: readonly Operation[],
  { connection, signal }: WriteOptions,
): Promise<readonly ItemAnswer[] | "busy" | "too large"> {
  try {
    const answer = await connection.call(
      (client, options) =>
        client.bulk(
          {
            index,
            operations: operations.flatMap(({ lines }) => lines),
            filter_path: ["errors", "items.*.status", "items.*.error.type"],
          },
          options,
        ),
      { signal, timeoutMs: requestTimeoutMs },
    );
    return readItems(answer, operations.length);
  } catch (error) {
    if (error instanceof ElasticsearchError && error.status === 429) return "busy";
    if (error instanceof ElasticsearchError && error.status === 413) return "too large";
    throw error;
  }
}

function readItems(answer: { readonly items?: unknown }, count: number): ItemAnswer[] {
  const { items } = answer;
  if (!Array.isArray(items) || items.length !== count) throw protocolError("a bulk answer without its items");
  return items.map((item: Readonly<Record<string, { status?: unknown; error?: { type?: unknown } }>>) => {
    const [said] = Object.values(item);
    if (typeof said?.status !== "number") throw protocolError("a bulk item without a status");
    return { status: said.status, type: said.error === undefined ? undefined : readErrorType(said.error.type) };
  });
}
