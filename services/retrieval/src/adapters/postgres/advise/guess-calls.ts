import type { StatementValues, Transaction } from "@quartet/postgres";
import type { Condition, TableUse } from "./conditions.ts";
import { ownMark } from "./slow-statements.ts";
import { all, type Fields, fieldsOf, type Node } from "./sql.ts";
import type { Table } from "./tables.ts";

export interface GuessOptions {
  readonly statement: Node;
  /** The types of its parameters, in order. */
  readonly types: readonly string[];
  readonly uses: readonly TableUse[];
  readonly tables: readonly Table[];
  /** Where the rows of a table are read. */
  readonly sqlOf: (table: Table) => string;
  /** Rows that it gives on average. */
  readonly meanRows: number;
}

/** A parameter that nothing in the database tells a value for. */
export class UnknownParameterError extends Error {
  override readonly name = "UnknownParameterError";
  readonly parameter: number;

  constructor(parameter: number) {
    super(`parameter ${parameter} cannot be guessed`);
    this.parameter = parameter;
  }
}

/** Calls that a statement is tried with: more would take longer, and one alone might be a special case. */
const callCount = 3;
/** How much of a table a range is to hold, unless the rows that are given on average say more. */
const rangeShare = 0.01;
const maxListed = 10;
/** Rows skipped where nobody has kept how many they were. */
const someOffset = 1_000;

/**
 * Calls that a statement whose values nobody has kept might get: values that compared columns do hold, all of one row, so that they go together.
 * They are used within the database, and never shown.
 *
 * @throws {UnknownParameterError}
 */
export async function guessCalls(transaction: Transaction, options: GuessOptions): Promise<readonly StatementValues[]> {
  const { types, uses } = options;
  const samples = new Map<TableUse, readonly Row[]>();
  for (const use of uses) samples.set(use, await sampleRows(transaction, use, options));
  const calls: StatementValues[] = [];
  for (let index = 0; index < callCount; index += 1) {
    const values = types.map((type, place) => guess(place + 1, type, index, samples, options));
    const tenant = [...samples.values()]
      .map((rows) => rows[index % rows.length]?.["tenant"])
      .find((each) => typeof each === "string");
    calls.push({ values, tenant });
    if (types.length === 0) break;
  }
  return calls;
}

/** The columns of a row that are compared with something, as text. */
type Row = { readonly [column: string]: string | null };

async function sampleRows(
  transaction: Transaction,
  use: TableUse,
  { tables, sqlOf }: GuessOptions,
): Promise<readonly Row[]> {
  const table = tables.find(({ name }) => name === use.table);
  if (table === undefined) return [];
  const compared = new Map<string, string>();
  for (const { expression, parameter, elements } of allConditions(use))
    if (parameter !== undefined || elements.length > 0) compared.set(expression, expression);
  if (table.columns.some(({ name }) => name === "tenant")) compared.set("tenant", "tenant");
  if (compared.size === 0) return [];
  // Rows of all parts of the table; a small one has them on one page, which a sample may miss.
  const percent = Math.min(100, Math.max(0.01, (100_000 * callCount) / Math.max(table.rowCount, 1)));
  const columns = [...compared.keys()].map((expression) => `(${expression})::text AS ${quoted(expression)}`).join(", ");
  return transaction.query<Row>(
    `SELECT ${ownMark} ${columns} FROM ${sqlOf(table)} TABLESAMPLE BERNOULLI (${percent}) REPEATABLE (3) ORDER BY md5(ctid::text) LIMIT ${100 * callCount}`,
  );
}

const allConditions = ({ conditions, alternatives }: TableUse): readonly Condition[] => [
  ...conditions,
  ...alternatives.flat(),
];

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function guess(
  parameter: number,
  type: string,
  index: number,
  samples: ReadonlyMap<TableUse, readonly Row[]>,
  { statement, meanRows, tables }: GuessOptions,
): unknown {
  const { limitCount, limitOffset } = fieldsOf(statement, "SelectStmt") ?? {};
  if (isParameter(limitCount, parameter)) return Math.max(1, Math.ceil(meanRows));
  if (isParameter(limitOffset, parameter))
    return tables.every(({ rowCount }) => rowCount > 2 * someOffset) ? someOffset : 0;
  for (const [use, rows] of samples) {
    const condition = allConditions(use).find(
      (each) => each.parameter === parameter || each.elements.includes(parameter),
    );
    if (condition === undefined) continue;
    const values = rows.flatMap((row) => row[condition.expression] ?? []);
    if (values.length === 0) continue;
    const rowCount = tables.find(({ name }) => name === use.table)?.rowCount ?? 0;
    return valueFor(condition, use, values, {
      parameter,
      index,
      type,
      share: Math.min(0.5, Math.max(rangeShare, meanRows / Math.max(rowCount, 1))),
    });
  }
  if (type === "boolean") return true;
  throw new UnknownParameterError(parameter);
}

interface Wanted {
  readonly parameter: number;
  /** Which call it is for. */
  readonly index: number;
  readonly type: string;
  /** Of the rows, that a range is to hold. */
  readonly share: number;
}

function valueFor(condition: Condition, use: TableUse, values: readonly string[], wanted: Wanted): unknown {
  const { index, type, share } = wanted;
  const { kind, operator, expression, isList } = condition;
  const value = values[index % values.length]!;
  if (condition.elements.includes(wanted.parameter)) {
    return values[(index + condition.elements.indexOf(wanted.parameter)) % values.length];
  }
  if (isList) return [...new Set(values.slice(index, index + maxListed))];
  if (kind === "equal") return value;
  if (kind === "match") return `%${middleOf(value)}%`;
  if (kind === "contain") return containedIn(value, type);
  const sorted = sortedAs(values, type);
  const isBoth = use.conditions.some(
    (other) => other.kind === "range" && other.expression === expression && other.operator[0] !== operator[0],
  );
  // Both ends: a stretch somewhere in the middle. One end: what lies beyond it.
  const start = isBoth ? (index + 1) / (callCount + 2) : operator.startsWith(">") ? 1 - share : 0;
  const place = operator.startsWith(">") ? start : start + share;
  return sorted[Math.min(sorted.length - 1, Math.floor(place * sorted.length))]!;
}

/** Some characters from within a text, so that few texts hold them. */
function middleOf(value: string): string {
  const characters = [...value];
  const start = Math.floor(characters.length / 3);
  return characters
    .slice(start, start + 6)
    .join("")
    .replaceAll(/[%_\\]/g, "_");
}

/** One element of a list is what is asked for most; a document that holds the whole one is found by few rows as well. */
function containedIn(value: string, type: string): string {
  if (!type.endsWith("[]")) return value;
  const first = /^\{("(?:[^"\\]|\\.)*"|[^,}]*)/.exec(value)?.[1] ?? "";
  return `{${first}}`;
}

function sortedAs(values: readonly string[], type: string): readonly string[] {
  const isNumber = /^(smallint|integer|bigint|numeric|real|double precision)$/.test(type);
  return [...values].sort((one, other) => (isNumber ? Number(one) - Number(other) : one < other ? -1 : 1));
}

const isParameter = (node: unknown, parameter: number): boolean =>
  all([node], "ParamRef").some((fields: Fields) => Number(fields["number"]) === parameter);
