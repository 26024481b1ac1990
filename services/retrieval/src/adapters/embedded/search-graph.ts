import { createGiveWay } from "@quartet/turns";
import { compileFilter } from "../../domain/filter-match.ts";
import { mentionedRows } from "../../domain/graph-mentions.ts";
import type { GraphQuery } from "../../domain/graph-index.ts";
import {
  bestWalks,
  inverse,
  maxHops,
  pathOf,
  rarity,
  scoreOf,
  type Walk,
  walkBounds,
  type Way,
} from "../../domain/graph-walk.ts";
import type { Hit } from "../../domain/keyword-index.ts";
import { comparePlaces } from "../../domain/place.ts";
import type { PassageEntry, Tenant } from "./catalogue.ts";
import type { Database } from "./database.ts";
import type { TenantGraph } from "./tenant-graph.ts";

interface Context {
  readonly database: Database;
  readonly tenant: Tenant;
  readonly graph: TenantGraph;
  readonly signal: AbortSignal;
}

/** Passages that mention what the text names, or what is linked to it. */
export async function searchGraph(context: Context, query: GraphQuery): Promise<readonly Hit[]> {
  const { database, graph, tenant } = context;
  if (query.limit === 0 || query.collections.length === 0) return [];
  const named = findNamed(database, mentionedRows(query.text, graph.maxNameWords, graph.names));
  if (named.length === 0) return [];
  const walks = bestWalks(walk(database, named));
  const found = await findPassages(context, query, walks);
  const ids = query.passageIds && new Set(query.passageIds);
  const nameOf = (entity: number) =>
    database.get<{ name: string }>("SELECT name FROM graph_entity WHERE id = ?", entity)?.name ?? "";
  const walkOf = new Map(walks.map((each) => [each.entity, each]));
  const hits: (Hit & { readonly entity: number })[] = [];
  for (const [id, gains] of found) {
    // Gone meanwhile, or not asked for.
    const passage = tenant.passages.get(id);
    if (passage === undefined || (ids !== undefined && !ids.has(id))) continue;
    const { ordinal, document } = passage;
    const hit = { passageId: id, documentId: document.id, ordinal, ...scoreOf(gains) };
    if (query.after === undefined || comparePlaces(query.after, hit) < 0) hits.push(hit);
  }
  return hits
    .sort(comparePlaces)
    .slice(0, query.limit)
    .map(({ entity, ...hit }) => ({ ...hit, path: pathOf(walkOf.get(entity)!, nameOf) }));
}

/** The entities that have these names, in their order. */
function findNamed(database: Database, names: readonly number[]): readonly number[] {
  const found = new Set<number>();
  for (const name of names) {
    const sql = `SELECT entity FROM graph_entity_name WHERE name = ? ORDER BY entity LIMIT ${walkBounds.named}`;
    for (const { entity } of database.all<{ entity: number }>(sql, name)) found.add(entity);
  }
  return [...found].slice(0, walkBounds.named);
}

/** Ways looked at for one question; the strongest come first. */
const maxWays = 20_000;

const walkSql = (() => {
  const [most, mostLater] = walkBounds.fanOut;
  const direction = (from: string) =>
    `SELECT id, weight FROM (SELECT r.id, r.weight FROM graph_relation r WHERE r.${from} = w.entity ORDER BY r.weight DESC, r.id LIMIT ${most})`;
  // A limit cannot depend on the row: all are numbered.
  const strongest = `SELECT id FROM (
      SELECT id, row_number() OVER (ORDER BY weight DESC, id) AS place FROM (${direction("source")} UNION ${direction("target")})
    ) WHERE place <= CASE w.hops WHEN 0 THEN ${most} ELSE ${mostLater} END`;
  const other = "CASE WHEN r.source = w.entity THEN r.target ELSE r.source END";
  return `WITH RECURSIVE walk (entity, hops, strength, path, kinds, weights) AS (
      SELECT value, 0, 1.0, ',' || value || ',', '[]', '[]' FROM json_each(?)
      UNION ALL
      SELECT ${other}, w.hops + 1, w.strength * r.weight, w.path || ${other} || ',',
        json_insert(w.kinds, '$[#]', CASE WHEN r.source = w.entity THEN r.kind ELSE '${inverse}' || r.kind END),
        json_insert(w.weights, '$[#]', r.weight)
      FROM walk w CROSS JOIN graph_relation r ON r.id IN (${strongest})
      WHERE w.hops < ${maxHops} AND instr(w.path, ',' || ${other} || ',') = 0
      ORDER BY 2, 3 DESC LIMIT ${maxWays}
    )
    SELECT path, kinds, weights FROM walk`;
})();

function walk(database: Database, named: readonly number[]): readonly Way[] {
  type Row = Record<"path" | "kinds" | "weights", string>;
  return database.all<Row>(walkSql, JSON.stringify(named)).map(({ path, kinds, weights }) => ({
    path: path.slice(1, -1).split(",").map(Number),
    kinds: JSON.parse(kinds) as string[],
    weights: JSON.parse(weights) as number[],
  }));
}

type Gains = Map<number, { readonly entity: number; readonly gain: number }[]>;

/** The passages that mention what was reached, with what each mention is worth. */
async function findPassages(
  { database, tenant, signal }: Context,
  { collections, filter }: GraphQuery,
  walks: readonly Walk[],
): Promise<Gains> {
  const giveWay = createGiveWay();
  const names = new Set(collections);
  const matches = filter === undefined ? () => true : compileFilter(filter);
  const isAllowed = ({ document }: PassageEntry) => names.has(document.collection) && matches(document);
  const passageCount = [...tenant.collections.values()].reduce((sum, each) => sum + each.passageCount, 0);
  const found: Gains = new Map();
  for (const { entity, gain } of walks) {
    const worth = gain * rarity(countMentions(database, entity), passageCount);
    const own = new Set<number>();
    for (const id of mentionsOf(database, tenant, entity)) {
      await giveWay(signal);
      const passage = tenant.passages.get(id);
      if (passage === undefined || !isAllowed(passage)) continue;
      own.add(id);
      if (own.size >= walkBounds.mentions) break;
    }
    for (const id of own) {
      const gains = found.get(id) ?? [];
      found.set(id, gains);
      gains.push({ entity, gain: worth });
    }
  }
  return found;
}

function countMentions(database: Database, entity: number): number {
  const count = (rows: string) =>
    database.get<{ count: number }>(`SELECT count(*) AS count FROM (${rows} LIMIT ${walkBounds.mentions})`, entity)!
      .count;
  return (
    count("SELECT 1 FROM graph_entity_name l JOIN graph_found f ON f.name = l.name WHERE l.entity = ?") +
    count("SELECT 1 FROM graph_mention WHERE entity = ?")
  );
}

const rowsAtOnce = 1_000;

/** Passages that mention an entity, some more than once. Read page by page: between them the database may change. */
function* mentionsOf(database: Database, tenant: Tenant, entity: number): Generator<number> {
  const named = "SELECT name FROM graph_entity_name WHERE entity = ? ORDER BY name";
  for (const { name } of database.all<{ name: number }>(named, entity)) {
    const page = `SELECT passage FROM graph_found WHERE name = ? AND passage > ? ORDER BY passage LIMIT ${rowsAtOnce}`;
    for (let after = 0; ;) {
      const rows = database.all<{ passage: number }>(page, name, after);
      for (const { passage } of rows) yield passage;
      if (rows.length < rowsAtOnce) break;
      after = rows.at(-1)!.passage;
    }
  }
  const given = `SELECT document_id AS id, start_offset AS start, end_offset AS "end" FROM graph_mention WHERE entity = ? LIMIT ${walkBounds.mentions}`;
  for (const { id, start, end } of database.all<{ id: string; start: number; end: number }>(given, entity)) {
    for (const passage of tenant.documents.get(id)?.passages ?? []) {
      const isMeant = start < 0 ? passage.ordinal === 0 : overlaps(passage, start, end);
      if (isMeant) yield passage.id;
    }
  }
}

function overlaps({ startOffset, endOffset }: PassageEntry, start: number, end: number): boolean {
  return startOffset < Math.max(end, start + 1) && endOffset > start;
}
