import type { Transaction } from "@quartet/postgres";

/** A table that a statement reads. Names are as the catalogue has them, without quotes. */
export interface Table {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted where that is needed. */
  readonly sql: string;
  /** Without indexes, its long values included. */
  readonly bytes: number;
  /** As estimated at its last ANALYZE; negative when there was none. */
  readonly rowCount: number;
  readonly hasRowSecurity: boolean;
  readonly columns: readonly Column[];
  readonly indexes: readonly Index[];
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
  /** Different values: a count, or below 0 a share of the rows; 0 when unknown. */
  readonly distinct: number;
  /** Bytes of a value on average; 0 when unknown. */
  readonly width: number;
}

export interface Index {
  readonly name: string;
  readonly method: string;
  readonly isUnique: boolean;
  /** What it holds, in order, as CREATE INDEX has it: columns and expressions, without its included columns. */
  readonly keys: readonly string[];
  /** Of its rows; undefined for all. */
  readonly predicate: string | undefined;
  /** CREATE INDEX, with the table's name as in `Table.sql`. */
  readonly sql: string;
}

/** What a name of a statement stands for. */
export interface Relation {
  readonly oid: number;
  readonly kind: string;
  readonly schema: string;
}

/** The schemas of the database, ours first: statements of others say `users`, not where it is. */
export async function readSearchPath(transaction: Transaction, first: string): Promise<string> {
  const rows = await transaction.query<{ schema: string }>(
    `SELECT quote_ident(nspname) AS schema FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
     ORDER BY nspname <> $1, nspname <> 'public', nspname LIMIT 50`,
    [first],
  );
  return rows.map(({ schema }) => schema).join(", ");
}

/** The relations that names, quoted where needed, stand for; unknown ones are left out. */
export async function resolveRelations(
  transaction: Transaction,
  names: readonly string[],
): Promise<ReadonlyMap<string, Relation>> {
  const rows = await transaction.query<Relation & { name: string }>(
    `SELECT given.name, c.oid::int8 AS oid, c.relkind AS kind, n.nspname AS schema
     FROM unnest($1::text[]) AS given (name) JOIN pg_class c ON c.oid = to_regclass(given.name) JOIN pg_namespace n ON n.oid = c.relnamespace`,
    [names],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

interface TableRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly sql: string;
  readonly bytes: number;
  readonly row_count: number;
  readonly has_row_security: boolean;
  readonly columns: readonly Column[];
  readonly indexes: readonly Index[] | null;
}

export async function readTables(transaction: Transaction, oids: readonly number[]): Promise<readonly Table[]> {
  const rows = await transaction.query<TableRow>(
    `SELECT c.oid::int8 AS oid, n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS sql,
       pg_table_size(c.oid) AS bytes, c.reltuples::float8 AS row_count, c.relrowsecurity AS has_row_security,
       (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL), 'isRequired', a.attnotnull,
            'distinct', coalesce(s.n_distinct, 0), 'width', coalesce(s.avg_width, 0)) ORDER BY a.attnum)
          FROM pg_attribute a LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT json_agg(json_build_object('name', ic.relname, 'method', am.amname, 'isUnique', i.indisunique,
            'keys', ARRAY(SELECT pg_get_indexdef(i.indexrelid, place, false) FROM generate_series(1, i.indnkeyatts) place),
            'predicate', pg_get_expr(i.indpred, i.indrelid), 'sql', pg_get_indexdef(i.indexrelid)) ORDER BY ic.relname)
          FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
          WHERE i.indrelid = c.oid AND i.indisvalid) AS indexes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::int8[]) ORDER BY c.oid`,
    [oids],
  );
  return rows.map(({ row_count: rowCount, has_row_security: hasRowSecurity, indexes, ...row }) => ({
    ...row,
    rowCount,
    hasRowSecurity,
    indexes: (indexes ?? []).map((index) => ({ ...index, predicate: index.predicate ?? undefined })),
  }));
}
