import type { Transaction } from "@quartet/postgres";
import type { Filter } from "../../domain/filter.ts";
import type { Hit, LegResult } from "../../domain/keyword-index.ts";
import { comparePlaces } from "../../domain/place.ts";
import type { VectorQuery } from "../../domain/vector-index.ts";
import { filterSql, SqlValues } from "./filter-sql.ts";
import { toHalfVector } from "./half-vector.ts";
import { searchPart } from "./vector-part.ts";
import {
  candidatesSql,
  hitsOf,
  isAlive,
  isIndexed,
  type Nearest,
  ownRows,
  readRoutes,
  type Route,
  scannedRows,
} from "./vector-sql.ts";
import { tablesOf } from "./vector-tables.ts";

export interface VectorSearchLimits {
  /** How many passages that a filter lets through are compared one by one, rather than looked for in the index. */
  readonly maxExactPassages: number;
}

/**
 * The nearest passages. Where the vectors of a collection have no index yet they are compared one by one, which misses nothing and breaks ties
 * by document and ordinal; where they have one, see `searchIndex`. To be called in a transaction with one snapshot for all its statements:
 * vectors may be on their way from one table to another. A part of the ranking is always exact.
 */
export async function searchVectors(
  transaction: Transaction,
  tenant: string,
  { vector, spaceId, collections, filter, limit, after, passageIds }: VectorQuery,
  limits: VectorSearchLimits,
): Promise<LegResult> {
  const all = await readRoutes(transaction, tenant, { collections, spaceId });
  const routes = all.filter(({ dimensions }) => dimensions === vector.values.length);
  if (routes.length === 0 || limit === 0) return { hits: [] };
  const query: Nearest = { vector: toHalfVector(vector), filter, limit };
  if (after !== undefined || passageIds !== undefined) {
    return { hits: await searchPart(transaction, routes, { ...query, after, passageIds }) };
  }
  const scanned = routes.flatMap((route) => scannedRows(route));
  const hits = scanned.length === 0 ? [] : [...(await scan(transaction, routes, scanned, query))];
  const indexed = routes.filter(isIndexed);
  for (const route of indexed) hits.push(...(await searchIndex(transaction, route, query, limits)));
  return { hits: hits.sort(comparePlaces).slice(0, limit), ...(indexed.length > 0 && { approximate: true }) };
}

async function scan(
  transaction: Transaction,
  routes: readonly Route[],
  sources: readonly string[],
  { vector, filter, limit }: Nearest,
): Promise<readonly Hit[]> {
  const values = new SqlValues();
  const [given, count] = [`${values.add(vector)}::halfvec`, values.add(limit)];
  const candidates = filter && `candidate AS MATERIALIZED (${candidatesSql(filter, routes, values)}),`;
  const near = `SELECT v.passage, v.embedding <#> ${given} AS distance FROM (${sources.join(" UNION ALL ")}) v
    ${candidates === undefined ? "" : "JOIN candidate k ON k.id = v.passage"}
    ORDER BY distance FETCH FIRST (${count}::bigint) ROWS WITH TIES`;
  const text = `WITH ${candidates ?? ""} near AS MATERIALIZED (${near}) ${hitsOf("near")}`;
  return transaction.query<Hit>(text, values.list);
}

/** What one pass of HNSW keeps (its ef): more finds more, and takes longer. pgvector's bounds are 1 and 1,000. */
const kept = { least: 100, most: 1_000 };
/** With a filter, the nearest that are looked at to learn how many of them pass. */
const probedLeast = 200;
/** Of the nearest found by a pass, those that the one before must have found too: then a longer one would hardly find others. */
const agreement = 0.98;
/** Up to how many times the bound on candidates a whole table is compared, rather than searched by the longest pass: about as fast. */
const wholeTableFactor = 5;
/** Visiting one more row of an index costs about as much as comparing that many candidates. */
const visitCost = 4;

/**
 * The nearest by an HNSW index. A question that is like nothing in the collection leads the graph astray: two passes of different length then
 * find different passages, and all are compared, or, in a very large table, a pass of the greatest length decides.
 *
 * With a filter, a pass says how many of the nearest satisfy it. Where those are too few
 * - the longest pass is tried, if by that share it is sure to find enough;
 * - else the passages that satisfy the filter are counted, up to a bound, and compared one by one: this misses nothing however far from the
 *   question they lie, where going on along the index would return some of them, and not the nearest;
 * - if there are more than the bound, the index is followed until enough were met, unless by that share this would be long;
 * - then all are compared.
 */
async function searchIndex(
  transaction: Transaction,
  route: Route,
  query: Nearest,
  limits: VectorSearchLimits,
): Promise<readonly Hit[]> {
  const { filter, limit } = query;
  const [short, long] = filter === undefined ? passLengths(limit, kept.least) : passLengths(2 * limit, probedLeast);
  const first = await pass(transaction, route, query, short);
  if (filter !== undefined && first.length < limit) {
    return searchFewPassing(
      transaction,
      route,
      { ...query, filter },
      { looked: short, passed: first.length, ...limits },
    );
  }
  const second = long === short ? first : await pass(transaction, route, query, long);
  if (sharedCount(first, second) >= agreement * second.length) return second;
  const isSmall = route.vectorCount <= wholeTableFactor * limits.maxExactPassages;
  return isSmall ? compareAll(transaction, route, query) : pass(transaction, route, query, kept.most);
}

function passLengths(wanted: number, least: number): [short: number, long: number] {
  const short = Math.min(kept.most, Math.max(least, wanted));
  return [short, Math.min(kept.most, 2 * short)];
}

function sharedCount(left: readonly Hit[], right: readonly Hit[]): number {
  const ids = new Set(left.map(({ passageId }) => passageId));
  return right.filter(({ passageId }) => ids.has(passageId)).length;
}

interface Looked extends VectorSearchLimits {
  /** How many of the nearest were looked at, and how many of them satisfy the filter. */
  readonly looked: number;
  readonly passed: number;
}

async function searchFewPassing(
  transaction: Transaction,
  route: Route,
  query: Nearest & { readonly filter: Filter },
  { looked, passed, maxExactPassages }: Looked,
): Promise<readonly Hit[]> {
  const visits = passed === 0 ? Infinity : (looked * query.limit) / passed;
  if (visits <= kept.most / 2) {
    const longest = await pass(transaction, route, query, kept.most);
    if (longest.length >= query.limit) return longest;
  }
  const exact = await compareCandidates(transaction, route, query, maxExactPassages);
  if (exact !== undefined) return exact;
  if (visits * visitCost <= maxExactPassages) return followIndex(transaction, route, query, visits * visitCost);
  return compareAll(transaction, route, query);
}

/** Lets the statements that follow use the index, up to so many rows of it. */
async function setIndexScan(transaction: Transaction, keep: number, visits: number): Promise<void> {
  await transaction.query(
    `SELECT set_config('hnsw.ef_search', $1, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', $2, true), set_config('enable_seqscan', 'off', true)`,
    [String(Math.min(kept.most, keep)), String(Math.max(20_000, Math.ceil(visits)))],
  );
}

/** Of the nearest rows by a pass of that length, or of as many as are asked for, those that satisfy the filter, up to the limit. */
async function pass(
  transaction: Transaction,
  route: Route,
  { vector, filter, limit }: Nearest,
  length: number,
): Promise<readonly Hit[]> {
  await setIndexScan(transaction, length, limit);
  const values = new SqlValues();
  const [given, count] = [`${values.add(vector)}::halfvec`, values.add(filter === undefined ? limit : length)];
  const near = `SELECT v.passage, v.embedding <#> ${given} AS distance FROM ${tablesOf(route).own} v
    WHERE ${isAlive(route)} ORDER BY v.embedding <#> ${given} LIMIT ${count}`;
  const text = `WITH near AS MATERIALIZED (${near}) ${hitsOf("near")} WHERE ${filter === undefined ? "TRUE" : filterSql(filter, values)}
    ORDER BY n.distance, d.document_id, p.ordinal LIMIT ${values.add(limit)}`;
  return transaction.query<Hit>(text, values.list);
}

/** The nearest that satisfy the filter, in the order of the index, until there are enough or so many were visited. */
async function followIndex(
  transaction: Transaction,
  route: Route,
  { vector, filter, limit }: Nearest & { readonly filter: Filter },
  visits: number,
): Promise<readonly Hit[]> {
  await setIndexScan(transaction, kept.most, visits);
  const values = new SqlValues();
  const [given, count] = [`${values.add(vector)}::halfvec`, values.add(limit)];
  // As a value of its own the filter is asked row by row in the order of the index; a join could be turned round.
  const near = `SELECT v.passage, v.embedding <#> ${given} AS distance FROM ${tablesOf(route).own} v
    WHERE ${isAlive(route)}
      AND (SELECT ${filterSql(filter, values)} FROM passage p JOIN document d ON d.id = p.document WHERE p.id = v.passage)
    ORDER BY v.embedding <#> ${given} LIMIT ${count}`;
  return transaction.query<Hit>(`WITH near AS MATERIALIZED (${near}) ${hitsOf("near")}`, values.list);
}

/** The nearest in the whole own table, or of all in it that the filter lets through, each compared. */
async function compareAll(transaction: Transaction, route: Route, query: Nearest): Promise<readonly Hit[]> {
  await transaction.query(
    "SELECT set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true)",
  );
  const hits = await scan(transaction, [route], [ownRows(route)], query);
  await transaction.query("SELECT set_config('enable_indexscan', 'on', true)");
  return hits;
}

/** The nearest of the passages that pass the filter, each compared; undefined when there are more than the bound. */
async function compareCandidates(
  transaction: Transaction,
  route: Route,
  { vector, filter, limit }: Nearest & { readonly filter: Filter },
  bound: number,
): Promise<readonly Hit[] | undefined> {
  const values = new SqlValues();
  const [given, count] = [`${values.add(vector)}::halfvec`, values.add(limit)];
  const most = values.add(bound);
  // The vector is looked up for each candidate; OFFSET 0 keeps the planner from reading the whole table for a join.
  const text = `WITH candidate AS MATERIALIZED (${candidatesSql(filter, [route], values)} LIMIT ${most}::bigint + 1),
    counted AS MATERIALIZED (SELECT count(*) <= ${most}::bigint AS "isWithin" FROM candidate),
    near AS MATERIALIZED (
      SELECT k.id AS passage, m.distance FROM candidate k CROSS JOIN LATERAL (
        SELECT v.embedding <#> ${given} AS distance FROM ${tablesOf(route).own} v
        WHERE v.passage = k.id AND ${isAlive(route)} OFFSET 0
      ) m WHERE (SELECT "isWithin" FROM counted) ORDER BY m.distance FETCH FIRST (${count}::bigint) ROWS WITH TIES
    )
    SELECT "isWithin", found.* FROM counted LEFT JOIN (${hitsOf("near")}) found ON TRUE`;
  const rows = await transaction.query<Hit & { readonly isWithin: boolean }>(text, values.list);
  if (!rows[0]!.isWithin) return undefined;
  return rows
    .filter(({ passageId }) => passageId !== null)
    .map(({ passageId, documentId, ordinal, score }) => ({ passageId, documentId, ordinal, score }));
}
