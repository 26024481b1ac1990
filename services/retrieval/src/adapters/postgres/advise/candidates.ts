import type { Condition, TableUse } from "./conditions.ts";
import { quoteName } from "./sql.ts";
import type { Column, Table } from "./tables.ts";

/** An index that might help. */
export interface Candidate {
  readonly table: Table;
  readonly method: "btree" | "gin";
  /** As CREATE INDEX has them, with operator class or direction where they need one. */
  readonly keys: readonly string[];
  /** Columns that it holds beside, so that the table itself need not be read. */
  readonly included: readonly string[];
  readonly predicate: string | undefined;
  /** What for, as the end of a sentence. */
  readonly purpose: string;
}

/** What the database has for operators that a plain index does not serve. */
export interface Abilities {
  /** The schema of pg_trgm, which finds what stands anywhere in a text; undefined where it is not installed. */
  readonly trigrams: string | undefined;
}

/** More columns in an index seldom pay for what they cost each write. */
const maxKeys = 3;
const maxIncluded = 4;
const maxIncludedBytes = 64;

/**
 * Indexes that fit what a statement asks of one table, and that are not there yet: columns compared for equality first, then one that is
 * compared as a range or that rows are sorted by. Most stand alone; what serves the branches of an OR goes together. Whether they help is for a
 * trial to show.
 */
export function indexCandidates(
  use: TableUse,
  table: Table,
  abilities: Abilities,
): readonly (readonly [Candidate, ...Candidate[]])[] {
  return [
    ...ofConditions(use, table, abilities).map((candidate): [Candidate] => [candidate]),
    ...use.alternatives.flatMap((branches) => ofBranches(branches, use, table, abilities)),
  ];
}

/** OR needs an index for each of its branches. */
function ofBranches(
  branches: readonly Condition[],
  use: TableUse,
  table: Table,
  abilities: Abilities,
): readonly [Candidate, ...Candidate[]][] {
  const found = branches.flatMap((condition) =>
    ofConditions({ ...use, conditions: [condition], sorts: [] }, table, abilities).slice(0, 1),
  );
  const [first, ...others] = found.filter(
    (each, place) => found.findIndex((other) => sameIndex(each, other)) === place,
  );
  return first === undefined ? [] : [[first, ...others]];
}

function ofConditions(use: TableUse, table: Table, abilities: Abilities): readonly Candidate[] {
  const found: Candidate[] = [];
  const add = (keys: readonly string[], more: Partial<Candidate> & Pick<Candidate, "purpose">) => {
    const candidate = { table, method: "btree", keys, included: [], predicate: undefined, ...more } as const;
    if (keys.length === 0 || isThere(candidate) || found.some((other) => sameIndex(other, candidate))) return;
    found.push(candidate);
  };
  const of = (...kinds: Condition["kind"][]) => use.conditions.filter(({ kind }) => kinds.includes(kind));
  const equal = bySelectivity(
    of("equal").filter(({ isJoin }) => !isJoin),
    table,
  );
  const joined = of("equal").filter(({ isJoin }) => isJoin);
  const ranges = of("range").filter(({ isJoin }) => !isJoin);
  const equalKeys = unique(equal.map(({ expression }) => expression)).slice(0, maxKeys);
  const predicate = partial(use);
  const sorts = use.sorts.filter((keys) => keys.length <= maxKeys).map(sortKeys);

  for (const filter of predicate === undefined ? [undefined] : [undefined, predicate]) {
    const where = filter === undefined ? {} : { predicate: filter };
    const only = filter === undefined ? "" : " among the rows that the statement can want";
    if (filter !== undefined && equalKeys.length + ranges.length + sorts.length === 0) {
      const [column] = of("is-null", "is-not-null", "true", "false");
      add([column!.expression], { ...where, purpose: "holds only the rows that the statement can want" });
    }
    add(equalKeys, { ...where, purpose: `finds the rows by ${spoken(equalKeys)}${only}` });
    for (const { expression } of ranges) {
      const keys = unique([...equalKeys, expression]);
      add(keys, {
        ...where,
        purpose: `finds the rows by ${spoken(equalKeys)}${equalKeys.length > 0 ? " and a range of " : "a range of "}${expression}${only}`,
      });
    }
    for (const keys of sorts) {
      const all = unique([...equalKeys, ...keys.filter((key) => !equalKeys.includes(key))]);
      add(all, {
        ...where,
        purpose: `finds the rows in the order that they are wanted in${only}, so that none is sorted`,
      });
    }
  }
  for (const { expression } of joined) {
    add([expression], { purpose: `finds the rows that belong to those of the other table by ${expression}` });
    const keys = unique([...equalKeys, expression]);
    add(keys, { purpose: `finds the rows that belong to those of the other table by ${spoken(keys)}` });
    add(unique([expression, ...equalKeys]), {
      purpose: `finds the rows that belong to those of the other table by ${expression}`,
    });
  }
  for (const candidate of inverted(use, table, abilities)) add(candidate.keys, candidate);
  return found;
}

/** The same index with the other columns that the statement reads in it, where they are few and short; undefined where they are not. */
export function covering(candidate: Candidate, use: TableUse): Candidate | undefined {
  const { table, keys, method } = candidate;
  const included = [...use.columns].filter((column) => !keys.includes(quoteName(column)));
  const columns = included.map((name) => table.columns.find((column) => column.name === name));
  const bytes = columns.reduce((sum, column) => sum + (column?.width || Infinity), 0);
  if (method !== "btree" || included.length === 0 || included.length > maxIncluded || bytes > maxIncludedBytes)
    return undefined;
  return {
    ...candidate,
    included: included.map(quoteName),
    purpose: `${candidate.purpose}, and holds all that is read of them`,
  };
}

/** CREATE INDEX for the table itself, or for a copy. */
export function createIndexSql(
  { table, method, keys, included, predicate }: Candidate,
  {
    name,
    on = table.sql,
    concurrently = false,
  }: { readonly name: string; readonly on?: string; readonly concurrently?: boolean },
): string {
  const using = method === "btree" ? "" : ` USING ${method}`;
  const include = included.length === 0 ? "" : ` INCLUDE (${included.join(", ")})`;
  const where = predicate === undefined ? "" : ` WHERE ${predicate}`;
  return `CREATE INDEX ${concurrently ? "CONCURRENTLY " : ""}${quoteName(name)} ON ${on}${using} (${keys.join(", ")})${include}${where}`;
}

/** An index of the table that already begins with these keys does what the candidate would. */
function isThere({ table, method, keys, predicate }: Candidate): boolean {
  return table.indexes.some(
    (index) =>
      index.method === method &&
      (index.predicate === undefined || plain(index.predicate) === plain(predicate ?? "")) &&
      keys.every((key, place) => plain(index.keys[place] ?? "") === plain(key)),
  );
}

export const sameIndex = (one: Candidate, other: Candidate): boolean =>
  one.table.oid === other.table.oid &&
  one.method === other.method &&
  one.predicate === other.predicate &&
  one.keys.join() === other.keys.join() &&
  one.included.join() === other.included.join();

const plain = (sql: string): string => sql.replaceAll(/[()\s"]/g, "").toLowerCase();

/** Those that leave the fewest rows first: then the index also serves statements that know only them. */
function bySelectivity(conditions: readonly Condition[], table: Table): readonly Condition[] {
  const distinct = ({ column }: Condition) => {
    const found = table.columns.find(({ name }) => name === column)?.distinct ?? 0;
    return found < 0 ? -found * Math.max(table.rowCount, 1) : found;
  };
  // A list of values last: rows of one value are then next to each other.
  return [...conditions].sort(
    (one, other) => Number(one.isList) - Number(other.isList) || distinct(other) - distinct(one),
  );
}

/** A condition that needs no value: rows without it need not be in the index. */
function partial({ conditions }: TableUse): string | undefined {
  const found = conditions.flatMap(({ kind, expression }) => {
    if (kind === "is-null") return [`${expression} IS NULL`];
    if (kind === "is-not-null") return [`${expression} IS NOT NULL`];
    if (kind === "true") return [expression];
    return kind === "false" ? [`NOT ${expression}`] : [];
  });
  return found.length === 0 ? undefined : unique(found).join(" AND ");
}

/** All one way is read backward as well, so no direction is said. */
function sortKeys(keys: TableUse["sorts"][number]): readonly string[] {
  const isOneWay = keys.every(
    ({ isDescending, sql }) => isDescending === keys[0]?.isDescending && !/ NULLS /.test(sql),
  );
  return keys.map(({ column, sql }) => (isOneWay ? quoteName(column) : sql));
}

/** Indexes of what is in a value: elements of a list, keys of a document, letters of a text. */
function* inverted(
  { conditions }: TableUse,
  { columns }: Table,
  { trigrams }: Abilities,
): Generator<Pick<Candidate, "keys" | "purpose" | "method">> {
  for (const { kind, operator, column, expression } of conditions) {
    const type = columns.find(({ name }: Column) => name === column)?.type ?? (operator === "@@" ? "tsvector" : "");
    const method = "gin" as const;
    if (kind === "contain" && (type.endsWith("[]") || type === "tsvector" || type === "jsonb")) {
      const isPath = type === "jsonb" && operator === "@>";
      yield {
        method,
        keys: [isPath ? `${expression} jsonb_path_ops` : expression],
        purpose: `finds the rows by what ${expression} holds`,
      };
    }
    if (kind !== "match") continue;
    if (operator === "~~") {
      const purpose = `finds the rows by how ${expression} begins`;
      // Where text is ordered by its bytes an ordinary index will do.
      yield { method: "btree" as const, keys: [expression], purpose };
      yield { method: "btree" as const, keys: [`${expression} text_pattern_ops`], purpose };
    }
    if (trigrams !== undefined) {
      yield {
        method,
        keys: [`${expression} ${trigrams}.gin_trgm_ops`],
        purpose: `finds the rows by any part of ${expression}`,
      };
    }
  }
}

const unique = <Item>(items: readonly Item[]): readonly Item[] => [...new Set(items)];
const spoken = (keys: readonly string[]): string => keys.join(" and ");
