import type { MessageInitShape } from "@bufbuild/protobuf";
import { QuartetError, type QuartetClient } from "@quartet/client";
import type { GraphSchema } from "@quartet/contracts/type/v1/graph";
import { patiently } from "./adapters/patiently.ts";
import type { ReadGraphItem } from "./adapters/read-graph.ts";
import { type GraphItem, type GraphItemKind, graphItemKinds } from "./domain/graph-item.ts";
import type { Remark } from "./domain/source-document.ts";

export interface GraphCounts {
  readonly read: Record<GraphItemKind, number>;
  /** What the server changed. */
  changed: number;
  /** What is no item, or was refused. */
  skipped: number;
  /** As the server last told. */
  waitingDocuments: number;
}

export interface ImportGraphOptions {
  readonly client: QuartetClient;
  /** Reads all items anew. They are read once for each kind, so that a graph of any size needs no memory. */
  readonly read: () => AsyncIterable<ReadGraphItem>;
  readonly signal: AbortSignal;
  readonly onProblem: (problem: Remark) => void;
  /** Told after each batch, with the bytes of input that are done with, each counted once for each kind. */
  readonly onProgress: (counts: GraphCounts, byteCount: number) => void;
}

/** Bounds of one put: within the contract's, so that the server is not held for long; and room below the message size. */
const batchItems: Readonly<Record<GraphItemKind, number>> = { entities: 500, relations: 2_000, mentions: 5_000 };
const batchBytes = 1024 * 1024;

/** The deadline of one put: a full batch on a busy machine, with room. */
const putTimeoutMs = 120_000;

/** A graph with more wrong than this was not meant for this server. */
const maxRefused = 1_000;

type Item = GraphItem & { readonly where: string };

/**
 * Puts all entities, then all relations, then all mentions, in batches. An item that is refused is told and left out, and the rest of its batch is
 * put; a call that fails otherwise ends the import.
 */
export async function importGraph(options: ImportGraphOptions): Promise<GraphCounts> {
  const { signal, onProblem, onProgress } = options;
  const read = { entities: 0, relations: 0, mentions: 0 };
  const counts: GraphCounts = { read, changed: 0, skipped: 0, waitingDocuments: 0 };
  const skip = (where: string, message: string) => {
    counts.skipped += 1;
    onProblem({ where, message });
  };
  let byteCount = 0;
  const put = async (batch: readonly Item[]) => {
    if (batch.length > 0) await putBatch(options, batch, counts, skip);
    onProgress(counts, byteCount);
  };
  for (const kind of graphItemKinds) {
    let batch: Item[] = [];
    let bytes = 0;
    for await (const item of options.read()) {
      signal.throwIfAborted();
      byteCount += item.byteCount;
      if ("problem" in item) {
        if (kind === graphItemKinds[0]) skip(item.where, item.problem);
        continue;
      }
      if (item.kind !== kind) continue;
      counts.read[kind] += 1;
      batch.push(item);
      bytes += item.byteCount;
      if (batch.length < batchItems[kind] && bytes < batchBytes) continue;
      await put(batch);
      batch = [];
      bytes = 0;
    }
    await put(batch);
  }
  return counts;
}

async function putBatch(
  { client, signal }: ImportGraphOptions,
  batch: readonly Item[],
  counts: GraphCounts,
  skip: (where: string, message: string) => void,
): Promise<void> {
  let left = batch;
  while (left.length > 0) {
    const graph = graphOf(left);
    try {
      const call = () => client.documents.putGraph({ graph }, { signal, timeoutMs: putTimeoutMs });
      const { changedCount, waitingDocumentCount } = await patiently(call, signal);
      counts.changed += changedCount;
      counts.waitingDocuments = Number(waitingDocumentCount);
      return;
    } catch (error) {
      const refused = refusedItem(error, left);
      if (refused === undefined || counts.skipped >= maxRefused) throw error;
      skip(refused.item.where, refused.message);
      left = left.filter((item) => item !== refused.item);
    }
  }
}

function graphOf(items: readonly Item[]): MessageInitShape<typeof GraphSchema> {
  const of = <Kind extends GraphItemKind>(kind: Kind) =>
    items.flatMap((each) => (each.kind === kind ? [each.item as Extract<GraphItem, { kind: Kind }>["item"]] : []));
  return { entities: of("entities"), relations: of("relations"), mentions: of("mentions") };
}

/** The item that the server found something wrong with. All of a batch are of one kind. */
function refusedItem(error: unknown, items: readonly Item[]): { item: Item; message: string } | undefined {
  if (!(error instanceof QuartetError)) return undefined;
  for (const { field, description } of error.violations) {
    const [, index] = /^graph\.(?:entities|relations|mentions)\[(\d+)\]/.exec(field) ?? [];
    const item = index === undefined ? undefined : items[Number(index)];
    if (item !== undefined) return { item, message: description };
  }
  return undefined;
}
