import type { Transaction } from "@quartet/postgres";
import { type Candidate, createIndexSql } from "./candidates.ts";

/** Names for indexes that are advised: the same for the same index, whichever statement asks for it. */
export interface IndexNames {
  nameOf(transaction: Transaction, candidate: Candidate): Promise<string>;
}

/** PostgreSQL cuts names off there. */
const maxBytes = 63;

/** Names that say what the index is by, and that nothing in its schema has. */
export function createIndexNames(): IndexNames {
  const given = new Map<string, string>();
  return {
    async nameOf(transaction, candidate) {
      const definition = createIndexSql(candidate, { name: "any" });
      const known = given.get(definition);
      if (known !== undefined) return known;
      const taken = new Set([...given.values(), ...(await namesIn(transaction, candidate.table.schema))]);
      const name = freeName(candidate, taken);
      given.set(definition, name);
      return name;
    },
  };
}

async function namesIn(transaction: Transaction, schema: string): Promise<readonly string[]> {
  const rows = await transaction.query<{ name: string }>(
    "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1",
    [schema],
  );
  return rows.map(({ name }) => name);
}

function freeName({ table, keys }: Candidate, taken: ReadonlySet<string>): string {
  const words = keys.map((key) =>
    key
      .replace(/ \S+_ops$/, "")
      .replaceAll(/[^\p{L}\p{N}_]+/gu, "_")
      .replaceAll(/^_+|_+$/g, ""),
  );
  const base = `${table.name}_by_${words.join("_")}`;
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? "" : `_${number}`;
    const name = cut(base, maxBytes - suffix.length) + suffix;
    if (!taken.has(name)) return name;
  }
}

function cut(text: string, limit: number): string {
  let kept = "";
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > limit) break;
    kept += character;
  }
  return kept;
}
