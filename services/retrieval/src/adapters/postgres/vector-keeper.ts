import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "@quartet/postgres";
import type { Logger } from "@quartet/telemetry";
import { beginOwnTable, buildIndex, eraseSpace, moveRows, type Tended, type TendContext } from "./vector-steps.ts";

export interface VectorKeeperOptions {
  /** Of the role that sees one tenant's rows. */
  readonly pool: Pool;
  /** Of the role that sees which spaces there are, of all tenants. */
  readonly everyTenant: Pool;
  readonly log: Logger;
  /** With more vectors than this, a space of a collection gets a table of its own with an HNSW index. Default 20,000. */
  readonly maxSharedVectors?: number;
  /** How long it rests between two looks at what there is to do. Default 10,000. */
  readonly intervalMs?: number;
  /** How long the vectors of a space that was left stay, for searches that began before. Default 60,000. */
  readonly leaveMs?: number;
  /** The most memory of the server that building one index may take; where a graph is larger, the rest of it is built slowly. Default 512. */
  readonly maxBuildMemoryMiB?: number;
}

/** Keeps large collections fast, beside the requests. It may be cut off anywhere: whoever comes next goes on from there. */
export interface VectorKeeper {
  /** Works until the signal is aborted. Several processes may; one at a time works on a space. */
  run(signal: AbortSignal): Promise<void>;
  /** Does what there is to do now. A space that fails is logged, and left for the next time. */
  tend(signal: AbortSignal): Promise<void>;
}

/** pgvector's bound for an HNSW index in half precision. */
const maxHnswDimensions = 4_000;

/** Brings the vectors of every space to where they belong; see migrations/002_vectors.sql for the placements. */
export function createVectorKeeper({
  pool,
  everyTenant,
  log,
  maxSharedVectors = 20_000,
  intervalMs = 10_000,
  leaveMs = 60_000,
  maxBuildMemoryMiB = 512,
}: VectorKeeperOptions): VectorKeeper {
  const findWork = (signal: AbortSignal) =>
    everyTenant.transaction({ signal, readOnly: true }, (transaction) =>
      transaction.query<Tended>(
        `SELECT id, tenant, role, placement, vector_count AS "vectorCount", dimensions FROM space
         WHERE role = 'left' AND left_at < clock_timestamp() - $1 * interval '1 ms' OR role <> 'left' AND (
           placement IN ('moving', 'indexing', 'settling')
           OR placement = 'shared' AND vector_count > $2 AND dimensions <= ${maxHnswDimensions}
         ) ORDER BY id`,
        [leaveMs, maxSharedVectors],
      ),
    );
  const tend = async (signal: AbortSignal) => {
    for (const space of await findWork(signal)) {
      try {
        await tendSpace({ pool, log, signal, maxBuildMemoryMiB }, space);
      } catch (error) {
        signal.throwIfAborted();
        log.warn(
          { err: error, space: space.id },
          "the vectors of a collection could not be tended: trying again later",
        );
      }
    }
  };
  return {
    tend,
    async run(signal) {
      while (!signal.aborted) {
        await tend(signal).catch((error: unknown) => {
          if (!signal.aborted)
            log.warn({ err: error }, "no look at large collections was possible: trying again later");
        });
        await sleep(intervalMs, undefined, { signal }).catch(() => {});
      }
    },
  };
}

/** Takes the steps that are left, each only where the one before was done here. */
async function tendSpace(context: TendContext, space: Tended): Promise<void> {
  if (space.role === "left") return eraseSpace(context, space);
  const steps = [
    { from: "shared", take: () => beginOwnTable(context, space) },
    { from: "moving", take: () => moveRows(context, space, "moving") },
    { from: "indexing", take: () => buildIndex(context, space) },
    { from: "settling", take: () => moveRows(context, space, "settling") },
  ];
  const first = steps.findIndex(({ from }) => from === space.placement);
  for (const { take } of steps.slice(first)) if (!(await take())) return;
}
