import type { Transaction } from "@quartet/postgres";
import { compareCodePoints } from "../../domain/code-point-order.ts";
import type { Filter } from "../../domain/filter.ts";
import type { Hit } from "../../domain/keyword-index.ts";
import type { VectorQuery } from "../../domain/vector-index.ts";
import { filterSql, SqlValues } from "./filter-sql.ts";
import { toHalfVector } from "./half-vector.ts";
import { type Placement, tablesOf } from "./vector-tables.ts";

export interface VectorSearchLimits {
  /** How many passages that a filter lets through are compared one by one, rather than looked for in the index. */
  readonly maxExactPassages: number;
}

interface Route {
  readonly rowId: number;
  readonly collectionId: number;
  readonly dimensions: number;
  readonly placement: Placement;
  readonly vectorCount: number;
}

/**
 * The nearest passages. Where the vectors of a collection have no index yet they are compared one by one, which misses nothing and breaks ties
 * by document and ordinal; where they have one, see `searchIndex`. To be called in a transaction with one snapshot for all its statements:
 * vectors may be on their way from one table to another.
 */
export async function searchVectors(
  transaction: Transaction,
  tenant: string,
  { vector, spaceId, collections, filter, limit }: VectorQuery,
  limits: VectorSearchLimits,
): Promise<Hit[]> {
  const routes = await transaction.query<Route>(
    `SELECT s.id AS "rowId", s.collection_id AS "collectionId", s.dimensions, s.placement,
       s.vector_count AS "vectorCount" FROM space s JOIN collection c ON c.id = s.collection_id
     WHERE c.tenant = $1 AND c.name = ANY ($2::text[]) AND s.role = 'active' AND s.space_id = $3 AND s.dimensions = $4 ORDER BY s.id`,
    [tenant, collections, spaceId, vector.values.length],
  );
  if (routes.length === 0 || limit === 0) return [];
  const query: Nearest = { vector: toHalfVector(vector), filter, limit };
  const scanned = routes.flatMap((route) => scannedRows(route));
  const hits = scanned.length === 0 ? [] : [...(await scan(transaction, routes, scanned, query))];
  for (const route of routes.filter(isIndexed)) hits.push(...(await searchIndex(transaction, route, query, limits)));
  return hits.sort(compareHits).slice(0, limit);
}

interface Nearest {
  readonly vector: string;
  readonly filter: Filter | undefined;
  readonly limit: number;
}

function compareHits(left: Hit, right: Hit): number {
  return (
    right.score - left.score || compareCodePoints(left.documentId, right.documentId) || left.ordinal - right.ordinal
  );
}

const isIndexed = ({ placement }: Route) => placement === "settling" || placement === "own";

/** The rows of a space outside an index, as queries that give (passage, embedding). */
function scannedRows(route: Route): string[] {
  const { placement, rowId } = route;
  const { shared } = tablesOf(route);
  return [
    ...(placement === "own" ? [] : [`SELECT v.passage, v.embedding FROM ${shared} v WHERE v.space = ${rowId}`]),
    ...(placement === "moving" || placement === "indexing" ? [ownRows(route)] : []),
  ];
}

function ownRows(route: Route): string {
  return `SELECT v.passage, v.embedding FROM ${tablesOf(route).own} v WHERE ${isAlive(route)}`;
}

/** Whether a row of the own table is to be seen. */
function isAlive({ placement, rowId }: Route): string {
  if (placement !== "indexing" && placement !== "settling") return "TRUE";
  return `NOT EXISTS (SELECT 1 FROM vector_stale o WHERE o.space = ${rowId} AND o.passage = v.passage)`;
}

/** Makes hits of (passage, distance); the distance is the negated inner product. */
function hitsOf(near: string): string {
  return `SELECT n.passage AS "passageId", d.document_id AS "documentId", p.ordinal, 0 - n.distance AS score
    FROM ${near} n JOIN passage p ON p.id = n.passage JOIN document d ON d.id = p.document`;
}

/** The passages that a filter lets through. */
function candidatesSql(filter: Filter, routes: readonly Route[], values: SqlValues): string {
  const collections = values.add(routes.map(({ collectionId }) => collectionId));
  return `SELECT p.id FROM document d JOIN passage p ON p.document = d.id
    WHERE d.collection_id = ANY (${collections}::bigint[]) AND ${filterSql(filter, values)}`;
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
