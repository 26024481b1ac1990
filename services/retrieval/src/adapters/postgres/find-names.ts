import type { Transaction } from "@quartet/postgres";
import { findMentions } from "../../domain/graph-mentions.ts";

/** A passage to be looked through, with what it is indexed by. */
export interface PassageContent {
  readonly passage: number;
  readonly content: string;
}

/** Those of the keys that are names of the tenant, with their rows. Keys hold no NUL and are well-formed. */
export async function lookUpNames(
  transaction: Transaction,
  tenant: string,
  keys: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const rows = await transaction.query<{ id: number; key: string }>({
    name: "look-up-names",
    text: "SELECT id, key FROM graph_name WHERE tenant = $1 AND key = ANY ($2::text[])",
    values: [tenant, [...keys]],
  });
  return new Map(rows.map(({ id, key }) => [key, id]));
}

interface Found {
  readonly name: number;
  readonly passage: number;
}

/**
 * Notes which names passages mention, in place of what was noted before, within the transaction that holds their documents. Gives how many
 * mentions came or went.
 */
export async function noteMentions(
  { transaction, tenant }: { readonly transaction: Transaction; readonly tenant: string },
  passages: readonly PassageContent[],
  { maxNameWords, areNew, signal }: { maxNameWords: number; areNew: boolean; signal: AbortSignal },
): Promise<number> {
  const rows = await findMentions(
    passages.map(({ content }) => content),
    { maxNameWords, lookUp: (keys) => lookUpNames(transaction, tenant, keys) },
    signal,
  );
  const found = passages.flatMap(({ passage }, index) => rows[index]!.map((name) => ({ name, passage })));
  const before = areNew
    ? []
    : await transaction.query<Found>(
        "SELECT name, passage FROM graph_found WHERE tenant = $1 AND passage = ANY ($2::bigint[])",
        [tenant, passages.map(({ passage }) => passage)],
      );
  const added = without(found, before);
  const gone = without(before, found);
  const change = async (name: string, text: string, pairs: readonly Found[]) => {
    if (pairs.length === 0) return;
    const values = [tenant, pairs.map((pair) => pair.name), pairs.map((pair) => pair.passage)];
    await transaction.execute({ name, text, values });
  };
  const given = "unnest($2::bigint[], $3::bigint[]) AS given (name, passage)";
  await change(
    "forget-mentions",
    `DELETE FROM graph_found f USING ${given} WHERE f.tenant = $1 AND f.name = given.name AND f.passage = given.passage`,
    gone,
  );
  await change(
    "note-mentions",
    `INSERT INTO graph_found (name, passage, tenant) SELECT name, passage, $1 FROM ${given} ON CONFLICT DO NOTHING`,
    added,
  );
  return added.length + gone.length;
}

function without(pairs: readonly Found[], others: readonly Found[]): readonly Found[] {
  const keys = new Set(others.map(({ name, passage }) => `${name} ${passage}`));
  return pairs.filter(({ name, passage }) => !keys.has(`${name} ${passage}`));
}
