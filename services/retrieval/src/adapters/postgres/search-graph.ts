import type { Transaction } from "@quartet/postgres";
import type { GraphQuery } from "../../domain/graph-index.ts";
import { mentionCandidates, mentionedNames } from "../../domain/graph-names.ts";
import {
  bestWalks,
  inverse,
  maxHops,
  pathOf,
  rarity,
  type Walk,
  walkBounds,
  type Way,
} from "../../domain/graph-walk.ts";
import type { Hit } from "../../domain/keyword-index.ts";
import type { RankingPart } from "../../domain/place.ts";
import { lookUpNames } from "./find-names.ts";
import { filterSql, SqlValues } from "./filter-sql.ts";

interface Context {
  readonly transaction: Transaction;
  readonly tenant: string;
}

/** Passages that mention what the text names, or what is linked to it. To be called in a transaction with one snapshot for all its statements. */
export async function searchGraph(context: Context, query: GraphQuery): Promise<readonly Hit[]> {
  if (query.limit === 0 || query.collections.length === 0) return [];
  const named = await findNamed(context, query.text);
  if (named.length === 0) return [];
  const walks = bestWalks(await walk(context, named));
  const reached = await describeReached(context, walks);
  return findPassages(context, query, walks, reached);
}

/** The entities that the text names, in the order in which it does. */
async function findNamed({ transaction, tenant }: Context, text: string): Promise<readonly number[]> {
  const sql = `SELECT max_name_words AS "maxWords" FROM graph WHERE tenant = $1`;
  const [graph] = await transaction.query<{ maxWords: number }>({ name: "graph-words", text: sql, values: [tenant] });
  if (graph === undefined || graph.maxWords === 0) return [];
  const candidates = mentionCandidates(text, graph.maxWords);
  if (candidates.size === 0) return [];
  const names = await lookUpNames(transaction, tenant, candidates);
  const mentioned = mentionedNames(text, graph.maxWords, (key) => names.has(key)).map((key) => names.get(key)!);
  if (mentioned.length === 0) return [];
  const rows = await transaction.query<{ entity: number }>({
    name: "named-entities",
    text: `SELECT l.entity FROM unnest($2::bigint[]) WITH ORDINALITY AS given (name, place) JOIN graph_entity_name l ON l.name = given.name
      WHERE l.tenant = $1 GROUP BY l.entity ORDER BY min(given.place), l.entity LIMIT ${walkBounds.named}`,
    values: [tenant, mentioned],
  });
  return rows.map(({ entity }) => entity);
}

/** The strongest relations of w.entity in both directions. */
const relationsBeside = (() => {
  const most = `CASE w.hops WHEN 0 THEN ${walkBounds.fanOut[0]} ELSE ${walkBounds.fanOut[1]} END`;
  const direction = (from: string, to: string, kind: string) =>
    `(SELECT r.id, r.${to} AS entity, ${kind} AS kind, r.weight FROM graph_relation r
      WHERE r.tenant = $1 AND r.${from} = w.entity ORDER BY r.weight DESC, r.id LIMIT ${most})`;
  return `SELECT * FROM (
      ${direction("source", "target", "r.kind")} UNION ALL ${direction("target", "source", `'${inverse}' || r.kind`)}
    ) both_ways ORDER BY weight DESC, id LIMIT ${most}`;
})();

async function walk({ transaction, tenant }: Context, named: readonly number[]): Promise<readonly Way[]> {
  return transaction.query<Way>({
    name: "walk-graph",
    text: `WITH RECURSIVE walk (entity, hops, path, kinds, weights) AS (
        SELECT e.entity, 0, ARRAY[e.entity], '{}'::text[] COLLATE "C", '{}'::float8[] FROM unnest($2::bigint[]) AS e (entity)
        UNION ALL
        SELECT step.entity, w.hops + 1, w.path || step.entity, w.kinds || step.kind, w.weights || step.weight
        FROM walk w CROSS JOIN LATERAL (${relationsBeside}) step
        WHERE w.hops < ${maxHops} AND step.entity <> ALL (w.path)
      )
      SELECT path, kinds, weights FROM walk`,
    values: [tenant, named],
  });
}

interface Reached {
  readonly names: ReadonlyMap<number, string>;
  /** What a mention of each entity is worth. */
  readonly gains: readonly number[];
}

async function describeReached({ transaction, tenant }: Context, walks: readonly Walk[]): Promise<Reached> {
  const rows = await transaction.query<{ id: number; name: string }>({
    name: "entity-names",
    text: "SELECT id, name FROM graph_entity WHERE tenant = $1 AND id = ANY ($2::bigint[])",
    values: [tenant, [...new Set(walks.flatMap(({ path }) => path))]],
  });
  const counts = await transaction.query<{ mentions: number; passages: number }>({
    name: "count-mentions",
    text: `SELECT (SELECT count(*) FROM (
          SELECT FROM graph_entity_name l JOIN graph_found f ON f.name = l.name WHERE l.tenant = $1 AND f.tenant = $1 AND l.entity = given.entity
          LIMIT ${walkBounds.mentions}) found)
        + (SELECT count(*) FROM (
          SELECT FROM graph_mention m WHERE m.tenant = $1 AND m.entity = given.entity LIMIT ${walkBounds.mentions}) said) AS mentions,
        (SELECT coalesce(sum(passage_count), 0)::bigint FROM collection WHERE tenant = $1) AS passages
      FROM unnest($2::bigint[]) WITH ORDINALITY AS given (entity, place) ORDER BY given.place`,
    values: [tenant, walks.map(({ entity }) => entity)],
  });
  return {
    names: new Map(rows.map(({ id, name }) => [id, name])),
    gains: walks.map(({ gain }, index) => gain * rarity(counts[index]!.mentions, counts[index]!.passages)),
  };
}

async function findPassages(
  { transaction, tenant }: Context,
  { collections, filter, limit, after, passageIds }: GraphQuery,
  walks: readonly Walk[],
  { names, gains }: Reached,
): Promise<readonly Hit[]> {
  const values = new SqlValues();
  const own = values.add(tenant);
  const entities = values.add(walks.map(({ entity }) => entity));
  const worth = values.add(gains);
  const allowed = [
    `d.tenant = ${own} AND p.tenant = ${own} AND d.collection = ANY (${values.add(collections)}::text[])`,
    ...(filter === undefined ? [] : [filterSql(filter, values)]),
  ].join(" AND ");
  const columns = "p.id, d.document_id, p.ordinal";
  const most = `LIMIT ${walkBounds.mentions}`;
  const text = `WITH reached AS (SELECT * FROM unnest(${entities}::bigint[], ${worth}::float8[]) AS given (entity, gain)),
    mention AS (
      SELECT r.entity, r.gain, m.* FROM reached r CROSS JOIN LATERAL (
        SELECT ${columns} FROM graph_entity_name l JOIN graph_found f ON f.name = l.name JOIN passage p ON p.id = f.passage
          JOIN document d ON d.id = p.document
        WHERE l.tenant = ${own} AND f.tenant = ${own} AND l.entity = r.entity AND ${allowed} ORDER BY p.id ${most}) m
      UNION
      SELECT r.entity, r.gain, m.* FROM reached r CROSS JOIN LATERAL (
        SELECT ${columns} FROM graph_mention g JOIN document d ON d.document_id = g.document_id JOIN passage p ON p.document = d.id
        WHERE g.tenant = ${own} AND g.entity = r.entity AND ${allowed} AND CASE WHEN g.start_offset IS NULL THEN p.ordinal = 0
          ELSE p.start_offset < greatest(g.end_offset, g.start_offset + 1) AND p.end_offset > g.start_offset END
        ORDER BY p.id ${most}) m
    ), found AS (
      SELECT id AS "passageId", document_id AS "documentId", ordinal, sum(gain ORDER BY gain DESC, entity) AS score,
        (array_agg(entity ORDER BY gain DESC, entity))[1] AS entity
      FROM mention GROUP BY id, document_id, ordinal
    )
    SELECT * FROM found WHERE ${partSql({ after, passageIds }, values)}
    ORDER BY score DESC, "documentId", ordinal LIMIT ${values.add(limit)}`;
  const rows = await transaction.query<Hit & { readonly entity: number }>(text, values.list);
  const walkOf = new Map(walks.map((each) => [each.entity, each]));
  return rows.map(({ entity, ...hit }) => ({
    ...hit,
    path: pathOf(walkOf.get(entity)!, (row) => names.get(row)!),
  }));
}

/** The condition on a found passage that it belongs to the part. Scores are computed before, so that they are the same in every part. */
function partSql({ after, passageIds }: RankingPart, values: SqlValues): string {
  const conditions = ["TRUE"];
  if (passageIds !== undefined) conditions.push(`"passageId" = ANY (${values.add(passageIds)}::bigint[])`);
  if (after !== undefined) {
    const { score, documentId, ordinal } = after;
    const same = values.add(score);
    conditions.push(
      `(score < ${same}::float8 OR score = ${same} AND ("documentId", ordinal) > (${values.add(documentId)}::text, ${values.add(ordinal)}::int))`,
    );
  }
  return conditions.join(" AND ");
}
