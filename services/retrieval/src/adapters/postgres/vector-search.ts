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
    `SELECT s.id AS "rowId", s.collection_id AS "collectionId", s.dimensions, s.placement
     FROM space s JOIN collection c ON c.id = s.collection_id
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
  const { shared, own } = tablesOf(route);
  return [
    ...(placement === "own" ? [] : [`SELECT v.passage, v.embedding FROM ${shared} v WHERE v.space = ${rowId}`]),
    ...(placement === "moving" || placement === "indexing"
      ? [`SELECT v.passage, v.embedding FROM ${own} v WHERE ${isAlive(route)}`]
      : []),
  ];
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

/** What one round of HNSW keeps; pgvector's bounds are 1 and 1,000. */
const roundSize = { least: 100, most: 1_000 };
/** The nearest that are looked at to learn how dense a filter's passages are around the question. */
const probeSize = (limit: number) => Math.min(roundSize.most, Math.max(200, 4 * limit));
/** Visiting one more row of an index costs about as much as comparing that many candidates. */
const visitCost = 4;

/**
 * The nearest by an HNSW index. With a filter, the nearest of all are looked at first:
 * - if enough of them pass, those are the answer;
 * - if few pass, the passages that do are counted, up to a bound, and compared one by one: this misses nothing however far from the question
 *   they lie, where going on along the index would return some of them, and not the nearest;
 * - if there are more than the bound, the index is followed until enough were met, unless the probe says that this would be long;
 * - then all are compared.
 */
async function searchIndex(
  transaction: Transaction,
  route: Route,
  query: Nearest,
  { maxExactPassages }: VectorSearchLimits,
): Promise<readonly Hit[]> {
  const { filter, limit } = query;
  if (filter === undefined) return followIndex(transaction, route, query, { visits: limit });
  const probed = probeSize(limit);
  const passed = await probe(transaction, route, { ...query, filter }, probed);
  if (passed.length >= limit) return passed;
  const visits = passed.length === 0 ? Infinity : Math.ceil((probed * limit) / passed.length);
  const follow = () => followIndex(transaction, route, query, { visits: visits * visitCost });
  if (visits * visitCost < maxExactPassages / 4) return follow();
  const exact = await compareCandidates(transaction, route, { ...query, filter }, maxExactPassages);
  if (exact !== undefined) return exact;
  if (visits * visitCost < maxExactPassages) return follow();
  return (await compareCandidates(transaction, route, { ...query, filter }, undefined))!;
}

/** Lets the statements that follow use the index, up to so many rows of it. */
async function setIndexScan(
  transaction: Transaction,
  { kept, visits }: { kept: number; visits: number },
): Promise<void> {
  const round = Math.min(roundSize.most, Math.max(roundSize.least, kept));
  await transaction.query(
    `SELECT set_config('hnsw.ef_search', $1, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', $2, true), set_config('enable_seqscan', 'off', true)`,
    [String(round), String(Math.max(20_000, Math.min(visits, 2 ** 31 - 1)))],
  );
}

async function followIndex(
  transaction: Transaction,
  route: Route,
  { vector, filter, limit }: Nearest,
  { visits }: { readonly visits: number },
): Promise<readonly Hit[]> {
  await setIndexScan(transaction, { kept: filter === undefined ? limit : roundSize.most, visits });
  const values = new SqlValues();
  const [given, count] = [`${values.add(vector)}::halfvec`, values.add(limit)];
  // As a value of its own it is asked row by row in the order of the index; a join could be turned round.
  const passes =
    filter === undefined
      ? "TRUE"
      : `(SELECT ${filterSql(filter, values)} FROM passage p JOIN document d ON d.id = p.document WHERE p.id = v.passage)`;
  const near = `SELECT v.passage, v.embedding <#> ${given} AS distance FROM ${tablesOf(route).own} v
    WHERE ${isAlive(route)} AND ${passes} ORDER BY v.embedding <#> ${given} LIMIT ${count}`;
  return transaction.query<Hit>(`WITH near AS MATERIALIZED (${near}) ${hitsOf("near")}`, values.list);
}

/** Of the nearest `count`, those that pass the filter, nearest first, up to the limit. */
async function probe(
  transaction: Transaction,
  route: Route,
  { vector, filter, limit }: Nearest & { readonly filter: Filter },
  count: number,
): Promise<readonly Hit[]> {
  await setIndexScan(transaction, { kept: count, visits: count });
  const values = new SqlValues();
  const [given, probed] = [`${values.add(vector)}::halfvec`, values.add(count)];
  const near = `SELECT v.passage, v.embedding <#> ${given} AS distance FROM ${tablesOf(route).own} v
    WHERE ${isAlive(route)} ORDER BY v.embedding <#> ${given} LIMIT ${probed}`;
  const text = `WITH near AS MATERIALIZED (${near}) ${hitsOf("near")} WHERE ${filterSql(filter, values)}
    ORDER BY n.distance, d.document_id, p.ordinal LIMIT ${values.add(limit)}`;
  return transaction.query<Hit>(text, values.list);
}

/** The nearest of the passages that pass the filter, each compared; undefined when there are more than the bound. */
async function compareCandidates(
  transaction: Transaction,
  route: Route,
  { vector, filter, limit }: Nearest & { readonly filter: Filter },
  bound: number | undefined,
): Promise<readonly Hit[] | undefined> {
  const values = new SqlValues();
  const [given, count] = [`${values.add(vector)}::halfvec`, values.add(limit)];
  const most = values.add(bound ?? null);
  // The vector is looked up for each candidate; OFFSET 0 keeps the planner from reading the whole table for a join.
  const text = `WITH candidate AS MATERIALIZED (${candidatesSql(filter, [route], values)} LIMIT ${most}::bigint + 1),
    counted AS MATERIALIZED (SELECT ${most}::bigint IS NULL OR count(*) <= ${most}::bigint AS "isWithin" FROM candidate),
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
