import { PostgresError, type Pool, type Transaction } from "@quartet/postgres";
import type { Logger } from "@quartet/telemetry";
import type { Placement } from "./vector-tables.ts";

/** A space with something to do. */
export interface Tended {
  readonly id: number;
  readonly tenant: string;
  readonly role: "active" | "building" | "left";
  readonly placement: Placement;
  readonly vectorCount: number;
  readonly dimensions: number;
}

export interface TendContext {
  readonly pool: Pool;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly maxBuildMemoryMiB: number;
}

/** Work on a space in a transaction of its own; undefined, with nothing done, when another process is at work on it. */
function take<Result>(
  { pool, signal }: TendContext,
  { id, tenant }: Tended,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result | undefined> {
  return pool.transaction({ tenant, signal }, async (transaction) => {
    const [lease] = await transaction.query<{ taken: boolean }>(
      "SELECT pg_try_advisory_xact_lock(hashtextextended('quartet space ' || $1::bigint, 0)) AS taken",
      [id],
    );
    return lease!.taken ? work(transaction) : undefined;
  });
}

/** shared -> moving. Like all steps, gives whether it was taken. */
export async function beginOwnTable(context: TendContext, space: Tended): Promise<boolean> {
  const begun = await take(context, space, (transaction) =>
    transaction.query("SELECT begin_own_vectors($1)", [space.id]),
  );
  return begun !== undefined;
}

/** Rows per transaction, in which puts of the collection wait. With an index in place each row costs some milliseconds. */
const batchSizes = { moving: 2_000, settling: 100 };
const batchesPerLog = 20;

/** moving -> indexing, or settling -> own: moves rows batch by batch. */
export async function moveRows(context: TendContext, space: Tended, from: "moving" | "settling"): Promise<boolean> {
  const batchSize = batchSizes[from];
  const started = performance.now();
  let moved = 0;
  for (let batches = 1; ; batches += 1) {
    const batch = await take(context, space, async (transaction) => {
      const sql = "SELECT move_vectors($1, $2) AS count";
      const { count } = (await transaction.query<{ count: number }>(sql, [space.id, batchSize]))[0]!;
      // New rows may come as fast as the last are moved. Those that come while the index is built follow when it is.
      const isLast = from === "moving" ? count < batchSize : count === 0;
      if (isLast) await place(transaction, space, from === "moving" ? "indexing" : "own");
      return { count, isLast };
    });
    if (batch === undefined) return false;
    moved += batch.count;
    if (batch.isLast || batches % batchesPerLog === 0) {
      const durationMs = Math.round(performance.now() - started);
      context.log.info({ space: space.id, from, moved, vectors: space.vectorCount, durationMs }, "vectors moved");
    }
    if (batch.isLast) return true;
  }
}

function place(transaction: Transaction, { id }: Tended, placement: Placement): Promise<number> {
  return transaction.execute("UPDATE space SET placement = $2 WHERE id = $1", [id, placement]);
}

/** What a node of the graph takes beside its vector: 32 neighbours on the lowest level, 16 on others, and headers. */
const bytesPerNode = 400;
const reminderMs = 15_000;

/** indexing -> settling. Nobody waits for it but its process. */
export async function buildIndex(context: TendContext, space: Tended): Promise<boolean> {
  const { log } = context;
  const started = performance.now();
  const figures = () => ({
    space: space.id,
    vectors: space.vectorCount,
    durationMs: Math.round(performance.now() - started),
  });
  const reminder = setInterval(() => log.info(figures(), "vector index: building"), reminderMs);
  try {
    const isBuilt = await build(context, space).catch((error: unknown) => {
      // Parallel workers take their memory from /dev/shm, which is small in some containers.
      if (!(error instanceof PostgresError) || error.sqlState?.startsWith("53") !== true) throw error;
      log.warn(
        { err: error, space: space.id },
        "vector index: building without parallel workers, for lack of shared memory",
      );
      return build(context, space, { workers: 0 });
    });
    if (isBuilt === undefined) return false;
  } finally {
    clearInterval(reminder);
  }
  log.info(figures(), "vector index: built");
  return (await take(context, space, (transaction) => place(transaction, space, "settling"))) !== undefined;
}

function build(
  context: TendContext,
  space: Tended,
  { workers }: { readonly workers?: number } = {},
): Promise<boolean | undefined> {
  const bytes = space.vectorCount * (space.dimensions * 2 + bytesPerNode) * 1.25;
  const memoryMiB = Math.min(context.maxBuildMemoryMiB, 64 + Math.ceil(bytes / 2 ** 20));
  return take(context, space, async (transaction) => {
    await transaction.execute("SET LOCAL statement_timeout = 0");
    await transaction.query("SELECT set_config('maintenance_work_mem', $1, true)", [`${memoryMiB}MB`]);
    if (workers !== undefined) await transaction.execute(`SET LOCAL max_parallel_maintenance_workers = ${workers}`);
    await transaction.query("SELECT index_own_vectors($1)", [space.id]);
    return true;
  });
}

/** Deletes what is kept of a space that was left. */
export async function eraseSpace(context: TendContext, space: Tended): Promise<void> {
  let left = await take(context, space, async (transaction) => {
    await transaction.query("SELECT drop_own_vectors($1)", [space.id]);
    return Infinity;
  });
  while (left !== undefined && left > 0) {
    left = await take(context, space, async (transaction) => {
      const sql = "SELECT erase_vectors($1, $2) AS count";
      const { count } = (await transaction.query<{ count: number }>(sql, [space.id, batchSizes.moving]))[0]!;
      if (count === 0) await transaction.execute("DELETE FROM space WHERE id = $1", [space.id]);
      return count;
    });
  }
  if (left === 0) context.log.info({ space: space.id }, "the vectors of a space that was left are deleted");
}
