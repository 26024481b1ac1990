import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { moved } from "@quartet/workers";
import { type KeywordLists, KeywordListsBuilder } from "./keyword-lists.ts";

export interface KeywordsToLoad {
  /** The database's path. Another connection of this process may have it open, but nobody may write meanwhile. */
  readonly file: string;
}

/** The lists of one tenant; its passages have slots from 0 on, in the order of their IDs. */
export interface TenantKeywords {
  readonly tenant: string;
  readonly lists: KeywordLists;
}

const rowsBetweenPauses = 2_048;

/** Reads the keyword index of a store; gives way to others, for where there is no thread for it. */
export async function loadKeywords({ file }: KeywordsToLoad): Promise<readonly TenantKeywords[]> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const builders = await readTerms(database);
    const loaded: TenantKeywords[] = [];
    for (const [tenant, builder] of builders) {
      const steps = builder.finish();
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) await setImmediate();
      loaded.push({ tenant, lists: step.value });
    }
    const memory = loaded.flatMap(({ lists }) => Object.values(lists).map((list: Uint32Array) => list.buffer));
    return moved(loaded, memory);
  } finally {
    database.close();
  }
}

async function readTerms(database: DatabaseSync): Promise<Map<string, KeywordListsBuilder>> {
  const builders = new Map<string, KeywordListsBuilder>();
  const byCollection = new Map<number, KeywordListsBuilder>();
  for (const [id, tenant] of rows<[number, string]>(database, "SELECT id, tenant FROM collection")) {
    const builder = builders.get(tenant) ?? new KeywordListsBuilder();
    builders.set(tenant, builder);
    byCollection.set(id, builder);
  }
  // Side by side in the same order, which costs less than a join.
  type Passage = [id: number, collection: number];
  const passages = rows<Passage>(database, "SELECT id, collection FROM passage ORDER BY id");
  type Terms = [passage: number, length: number, terms: Uint8Array];
  const allTerms = rows<Terms>(database, "SELECT passage, token_count, terms FROM passage_terms ORDER BY passage");
  let left = rowsBetweenPauses;
  for (const [id, collection] of passages) {
    const { value } = allTerms.next();
    if (value?.[0] !== id) throw new Error(`passage ${id} has no terms`);
    byCollection.get(collection)!.push(value[1], value[2]);
    left -= 1;
    if (left > 0) continue;
    left = rowsBetweenPauses;
    await setImmediate();
  }
  return builders;
}

function rows<Row extends readonly unknown[]>(database: DatabaseSync, sql: string): IterableIterator<Row, undefined> {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement.iterate() as unknown as IterableIterator<Row, undefined>;
}
