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
}

/** Looks documents through for names that came or went since they were, beside the requests. It may be cut off anywhere: whoever comes next goes on from there. */
export interface GraphKeeper {
  /** Works until the signal is aborted. Several processes may: each takes other documents. */
  run(signal: AbortSignal): Promise<void>;
  /** Does what there is to do now; gives how many documents it looked through. A tenant that fails is logged, and left for the next time. */
  tend(signal: AbortSignal): Promise<number>;
}

const documentsAtOnce = 100;

export function createGraphKeeper({
  pool,
  everyTenant,
  log,
  intervalMs = 2_000,
  passagesAtOnce = 200,
}: GraphKeeperOptions): GraphKeeper {
  const findWork = (signal: AbortSignal) =>
    everyTenant.transaction({ signal, readOnly: true }, (transaction) =>
      transaction.query<{ tenant: string }>(
        `SELECT g.tenant FROM graph g WHERE EXISTS
           (SELECT FROM document d WHERE d.tenant = g.tenant AND d.names_seq < g.names_seq) ORDER BY g.tenant`,
      ),
    );
  const tend = async (signal: AbortSignal) => {
    let total = 0;
    for (const { tenant } of await findWork(signal)) {
      try {
        for (let done = -1; done !== 0; total += done) {
          done = await lookThrough(pool, { tenant, signal, passagesAtOnce });
        }
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

/** Looks through some documents that nobody else holds; gives how many. */
function lookThrough(
  pool: Pool,
  { tenant, signal, passagesAtOnce }: { readonly tenant: string; readonly signal: AbortSignal; passagesAtOnce: number },
): Promise<number> {
  return pool.transaction({ tenant, signal }, async (transaction) => {
    const sql = `SELECT names_seq AS "namesSeq", max_name_words AS "maxNameWords" FROM graph WHERE tenant = $1`;
    const [graph] = await transaction.query<{ namesSeq: number; maxNameWords: number }>(sql, [tenant]);
    if (graph === undefined) return 0;
    const waiting = await transaction.query<Waiting>(
      `SELECT id, title, passage_count AS "passageCount" FROM document
       WHERE tenant = $1 AND names_seq < $2 ORDER BY names_seq, id LIMIT ${documentsAtOnce} FOR NO KEY UPDATE SKIP LOCKED`,
      [tenant, graph.namesSeq],
    );
    const documents = upTo(waiting, passagesAtOnce);
    if (documents.length === 0) return 0;
    const ids = documents.map(({ id }) => id);
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
