import type { Transaction } from "@quartet/postgres";
import { quoteName } from "./sql.ts";
import type { Table } from "./tables.ts";

/** Tables of the session alone, gone with its transaction, with the rows, indexes and row-level security of others. */
export interface Copies {
  /** The share of the rows of the largest table that were copied, in (0, 1]. */
  readonly ratio: number;
  /** Bytes of the copies of the tables. */
  sqlOf(table: Table): string;
}

export interface CopyOptions {
  /** What the copies may take, without indexes; of a table that would take more, a sample of its pages is copied. */
  readonly maxBytes: number;
  /** Who reads the copies, under the policies of the tables; undefined for whoever makes them. */
  readonly role: string | undefined;
}

/** Methods of indexes that are built anew in no time; those of others would take longer than all the rest. */
const quickMethods = ["btree", "hash", "gin", "gist", "brin", "spgist"];

export const isQuickIndex = ({ method }: { readonly method: string }): boolean => quickMethods.includes(method);

/** Too much for a copy: more than one of the tables would have to be sampled, and samples have hardly a row in common. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
}

/**
 * Copies tables, so that indexes can be tried without a lock that anybody waits for: what reads and writes the tables meanwhile is not held up.
 *
 * @throws {TooLargeError}
 */
export async function copyTables(
  transaction: Transaction,
  tables: readonly Table[],
  { maxBytes, role }: CopyOptions,
): Promise<Copies> {
  const ratios = shares(tables, maxBytes);
  for (const table of tables) await copyTable(transaction, table, ratios.get(table)!, role);
  return { ratio: Math.min(...ratios.values()), sqlOf };
}

const sqlOf = ({ name }: Table): string => `pg_temp.${quoteName(name)}`;

/** How much of each is copied. The smaller ones are copied whole. */
function shares(tables: readonly Table[], maxBytes: number): ReadonlyMap<Table, number> {
  let left = maxBytes;
  const entries = [...tables]
    .sort((one, other) => one.bytes - other.bytes)
    .map((table): [Table, number] => {
      const share = Math.min(1, left / Math.max(table.bytes, 1));
      left = Math.max(0, left - table.bytes);
      return [table, share];
    });
  if (entries.filter(([, share]) => share < 1).length > 1) throw new TooLargeError();
  return new Map(entries);
}

async function copyTable(
  transaction: Transaction,
  table: Table,
  share: number,
  role: string | undefined,
): Promise<void> {
  const copy = sqlOf(table);
  const sample = share === 1 ? "" : ` TABLESAMPLE SYSTEM (${share * 100}) REPEATABLE (1)`;
  await transaction.execute(
    `CREATE TEMP TABLE ${quoteName(table.name)} (LIKE ${table.sql} INCLUDING STORAGE INCLUDING COMPRESSION) ON COMMIT DROP`,
  );
  await transaction.execute(`INSERT INTO ${copy} SELECT * FROM ${table.sql}${sample}`);
  for (const index of table.indexes.filter(isQuickIndex)) {
    // As pg_get_indexdef writes it: CREATE INDEX name ON schema.table USING ...
    await transaction.execute(index.sql.replace(` ON ${table.sql} USING `, () => ` ON ${copy} USING `));
  }
  await transaction.execute(`ANALYZE ${copy}`);
  if (role === undefined) return;
  await transaction.execute(`GRANT SELECT ON ${copy} TO ${quoteName(role)}`);
  if (table.hasRowSecurity) await copyPolicies(transaction, table);
}

async function copyPolicies(transaction: Transaction, table: Table): Promise<void> {
  const policies = await transaction.query<{ sql: string }>(
    `SELECT format('CREATE POLICY %I ON ${sqlOf(table).replaceAll("%", "%%").replaceAll("'", "''")} AS %s FOR SELECT TO %s USING (%s)', policyname, permissive,
         (SELECT string_agg(CASE role WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(role) END, ', ') FROM unnest(roles) AS role), qual) AS sql
     FROM pg_policies WHERE schemaname = $1 AND tablename = $2 AND cmd IN ('ALL', 'SELECT') ORDER BY policyname`,
    [table.schema, table.name],
  );
  await transaction.execute(`ALTER TABLE ${sqlOf(table)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
  for (const { sql } of policies) await transaction.execute(sql);
}
