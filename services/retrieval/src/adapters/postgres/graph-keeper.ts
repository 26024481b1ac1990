import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "@quartet/postgres";
import type { Logger } from "@quartet/telemetry";
import { passageContent } from "../../domain/passage-content.ts";
import { noteMentions } from "./find-names.ts";

export interface GraphKeeperOptions {
  /** Of the role that sees one tenant's rows. */
  readonly pool: Pool;
  /** Of the role that sees which tenants have a graph. */
  readonly everyTenant: Pool;
  readonly log: Logger;
  /** How long it rests between two looks at what there is to do. Default 2,000. */
  readonly intervalMs?: number;
  /** Passages looked through in one transaction, which holds their documents. A document is never divided. Default 200. */
  readonly passagesAtOnce?: number;
  /** How long a document that could not be looked through is left alone. Default 600,000. */
  readonly leaveMs?: number;
}

/** Looks documents through for names that came or went since they were, beside the requests. It may be cut off anywhere: whoever comes next goes on from there. */
export interface GraphKeeper {
  /** Works until the signal is aborted. Several processes may: each takes other documents. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Does what there is to do now; gives how many documents it looked through. A tenant that fails is logged, and left for the next time; so is a
   * document, for longer.
   */
  tend(signal: AbortSignal): Promise<number>;
}

const documentsAtOnce = 100;
/** Documents left alone at any time; more fail for a reason that is not their own. */
const maxLeft = 1_000;

export function createGraphKeeper({
  pool,
  everyTenant,
  log,
  intervalMs = 2_000,
  passagesAtOnce = 200,
  leaveMs = 600_000,
}: GraphKeeperOptions): GraphKeeper {
  /** When each document that failed by itself is tried again: one that always fails must not hold up those behind it. */
  const left = new Map<number, number>();
  const leftNow = (): readonly number[] => {
    const now = performance.now();
    for (const [document, until] of left) if (until <= now) left.delete(document);
    return [...left.keys()];
  };
  const findWork = (signal: AbortSignal) =>
    everyTenant.transaction({ signal, readOnly: true }, (transaction) =>
      transaction.query<{ tenant: string }>(
        `SELECT g.tenant FROM graph g WHERE EXISTS
           (SELECT FROM document d WHERE d.tenant = g.tenant AND d.names_seq < g.names_seq) ORDER BY g.tenant`,
      ),
    );
  const tendTenant = async (tenant: string, signal: AbortSignal): Promise<number> => {
    let total = 0;
    /** Documents to look through one by one, since some of them failed together. */
    let alone = 0;
    for (;;) {
      let taken: readonly number[] = [];
      try {
        const done = await lookThrough(pool, {
          tenant,
          signal,
          passagesAtOnce: alone > 0 ? 1 : passagesAtOnce,
          except: leftNow(),
          onTaken: (documents) => (taken = documents),
        });
        if (done === 0) return total;
        total += done;
      } catch (error) {
        signal.throwIfAborted();
        if (taken.length === 0 || left.size >= maxLeft) throw error;
        if (taken.length > 1) alone = taken.length + 1;
        else {
          left.set(taken[0]!, performance.now() + leaveMs);
          log.warn(
            { err: error, document: taken[0] },
            "a document could not be looked through for names: left for now",
          );
        }
      }
      alone = Math.max(0, alone - 1);
    }
  };
  const tend = async (signal: AbortSignal) => {
    let total = 0;
    for (const { tenant } of await findWork(signal)) {
      try {
        total += await tendTenant(tenant, signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error }, "the documents of a tenant could not be looked through for names: trying again later");
      }
    }
    return total;
  };
  return {
    tend,
    async run(signal) {
      while (!signal.aborted) {
        const started = performance.now();
        const total = await tend(signal).catch((error: unknown) => {
          if (!signal.aborted)
            log.warn({ err: error }, "no look for documents to look through was possible: trying again later");
          return 0;
        });
        const durationMs = Math.round(performance.now() - started);
        if (total > 0) log.info({ documents: total, durationMs }, "documents looked through for names");
        await sleep(intervalMs, undefined, { signal }).catch(() => {});
      }
    },
  };
}

interface Waiting {
  readonly id: number;
  readonly title: string;
  readonly passageCount: number;
}

interface Look {
  readonly tenant: string;
  readonly signal: AbortSignal;
  readonly passagesAtOnce: number;
  /** Documents to leave alone. */
  readonly except: readonly number[];
  /** Told which documents are looked through, before they are. */
  onTaken(documents: readonly number[]): void;
}

/** Looks through some documents that nobody else holds; gives how many. */
function lookThrough(pool: Pool, { tenant, signal, passagesAtOnce, except, onTaken }: Look): Promise<number> {
  return pool.transaction({ tenant, signal }, async (transaction) => {
    const sql = `SELECT names_seq AS "namesSeq", max_name_words AS "maxNameWords" FROM graph WHERE tenant = $1`;
    const [graph] = await transaction.query<{ namesSeq: number; maxNameWords: number }>(sql, [tenant]);
    if (graph === undefined) return 0;
    const waiting = await transaction.query<Waiting>(
      `SELECT id, title, passage_count AS "passageCount" FROM document
       WHERE tenant = $1 AND names_seq < $2 AND id <> ALL ($3::bigint[])
       ORDER BY names_seq, id LIMIT ${documentsAtOnce} FOR NO KEY UPDATE SKIP LOCKED`,
      [tenant, graph.namesSeq, except],
    );
    const documents = upTo(waiting, passagesAtOnce);
    if (documents.length === 0) return 0;
    const ids = documents.map(({ id }) => id);
    onTaken(ids);
    const titles = new Map(documents.map(({ id, title }) => [id, title]));
    const passages = await transaction.query<{ id: number; document: number; headings: string[]; text: string }>(
      "SELECT id, document, headings, text FROM passage WHERE tenant = $1 AND document = ANY ($2::bigint[]) ORDER BY id",
      [tenant, ids],
    );
    const changed = await noteMentions(
      { transaction, tenant },
      passages.map(({ id, document, headings, text }) => ({
        passage: id,
        content: passageContent({ title: titles.get(document)!, headings, text }),
      })),
      { maxNameWords: graph.maxNameWords, areNew: false, signal },
    );
    const done = "UPDATE document SET names_seq = $3 WHERE tenant = $1 AND id = ANY ($2::bigint[])";
    await transaction.execute(done, [tenant, ids, graph.namesSeq]);
    // Last: whoever changes the graph waits from here on.
    if (changed > 0) await transaction.execute("UPDATE graph SET version = version + 1 WHERE tenant = $1", [tenant]);
    return documents.length;
  });
}

/** The first of the documents that have together no more passages than that, but at least one. */
function upTo(documents: readonly Waiting[], maxPassages: number): readonly Waiting[] {
  let passages = 0;
  const over = documents.findIndex(({ passageCount }) => (passages += passageCount) > maxPassages);
  return documents.slice(0, over < 0 ? documents.length : Math.max(1, over));
}
