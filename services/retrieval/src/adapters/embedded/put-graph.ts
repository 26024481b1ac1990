import { checkEnds, type Entity, type Graph, isSameEntity, namedEntities } from "../../domain/graph.ts";
import { nameKey, wordCountOf } from "../../domain/graph-names.ts";
import type { Database } from "./database.ts";
import type { TenantGraph } from "./tenant-graph.ts";

/** A change of the graph as written, with what makes it seen: called once the transaction is on disk. */
export interface WrittenGraph {
  readonly changedCount: number;
  readonly apply: () => void;
}

const nothing: WrittenGraph = { changedCount: 0, apply: () => {} };

interface EntityRow extends Entity {
  readonly row: number;
}

/** Names that came and went in a transaction. */
interface NameChanges {
  readonly added: Map<string, number>;
  readonly gone: Set<string>;
}

/** Merges a graph within a transaction. Throws GraphError. */
export function putGraph(database: Database, current: TenantGraph, graph: Graph): WrittenGraph {
  const { tenant } = current;
  const known = readEntities(database, tenant, namedEntities(graph));
  checkEnds(graph, (id) => known.has(id));
  const rows = new Map(Array.from(known, ([id, { row }]) => [id, row]));
  const names: NameChanges = { added: new Map(), gone: new Set() };
  let changedCount = 0;
  let addedCount = 0;
  for (const entity of graph.entities) {
    const before = known.get(entity.id);
    if (before !== undefined && isSameEntity(before, entity)) continue;
    changedCount += 1;
    if (before === undefined) addedCount += 1;
    const row = writeEntity(database, tenant, entity);
    rows.set(entity.id, row);
    writeNames(database, current, { row, entity }, names);
  }
  for (const { source, target, kind, weight } of graph.relations) {
    const sql = `INSERT INTO graph_relation (source, target, kind, weight) VALUES (?, ?, ?, ?)
      ON CONFLICT (source, target, kind) DO UPDATE SET weight = excluded.weight WHERE weight <> excluded.weight`;
    changedCount += database.run(sql, rows.get(source)!, rows.get(target)!, kind, weight).changes;
  }
  for (const { entityId, documentId, span } of graph.mentions) {
    const sql =
      "INSERT OR IGNORE INTO graph_mention (entity, document_id, start_offset, end_offset) VALUES (?, ?, ?, ?)";
    changedCount += database.run(sql, rows.get(entityId)!, documentId, span?.start ?? -1, span?.end ?? -1).changes;
  }
  return changedCount === 0 ? nothing : noteChange(database, current, names, { changedCount, entities: addedCount });
}

/** Deletes entities with all that hangs on them within a transaction. */
export function deleteEntities(database: Database, current: TenantGraph, entityIds: readonly string[]): WrittenGraph {
  const names: NameChanges = { added: new Map(), gone: new Set() };
  let deletedCount = 0;
  for (const { row } of readEntities(database, current.tenant, entityIds).values()) {
    const before = namesOf(database, row);
    database.run("DELETE FROM graph_entity WHERE id = ?", row);
    forgetNames(database, before, names);
    deletedCount += 1;
  }
  if (deletedCount === 0) return nothing;
  return noteChange(database, current, names, { changedCount: deletedCount, entities: -deletedCount });
}

function readEntities(database: Database, tenant: string, ids: readonly string[]): Map<string, EntityRow> {
  const sql = `SELECT id AS row, entity_id AS id, name, kind, aliases FROM graph_entity WHERE tenant = ? AND entity_id = ?`;
  const found = new Map<string, EntityRow>();
  for (const id of ids) {
    const row = database.get<Omit<EntityRow, "aliases"> & { aliases: string }>(sql, tenant, id);
    if (row !== undefined) found.set(id, { ...row, aliases: JSON.parse(row.aliases) as string[] });
  }
  return found;
}

function writeEntity(database: Database, tenant: string, { id, name, kind, aliases }: Entity): number {
  const sql = `INSERT INTO graph_entity (tenant, entity_id, name, kind, aliases) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (tenant, entity_id) DO UPDATE SET (name, kind, aliases) = (excluded.name, excluded.kind, excluded.aliases)
    RETURNING id`;
  return database.get<{ id: number }>(sql, tenant, id, name, kind, JSON.stringify(aliases))!.id;
}

/** Gives an entity the names that it has now, and forgets those that nothing is called by any longer. */
function writeNames(
  database: Database,
  { tenant, names: known }: TenantGraph,
  { row, entity }: { readonly row: number; readonly entity: Entity },
  names: NameChanges,
): void {
  const keys = new Set([entity.name, ...entity.aliases].flatMap((name) => nameKey(name) ?? []));
  const before = namesOf(database, row);
  const had = new Set(before.map(({ key }) => key));
  for (const key of keys) {
    if (had.has(key)) continue;
    let name = names.added.get(key) ?? (names.gone.has(key) ? undefined : known.get(key));
    if (name === undefined) {
      name = database.run("INSERT INTO graph_name (tenant, key) VALUES (?, ?)", tenant, key).id;
      names.added.set(key, name);
    }
    database.run("INSERT INTO graph_entity_name (entity, name) VALUES (?, ?)", row, name);
  }
  const left = before.filter(({ key }) => !keys.has(key));
  for (const { name } of left) database.run("DELETE FROM graph_entity_name WHERE entity = ? AND name = ?", row, name);
  forgetNames(database, left, names);
}

interface NameRow {
  readonly name: number;
  readonly key: string;
}

function namesOf(database: Database, entity: number): NameRow[] {
  const sql =
    "SELECT n.id AS name, n.key FROM graph_entity_name l JOIN graph_name n ON n.id = l.name WHERE l.entity = ?";
  return database.all<NameRow>(sql, entity);
}

/** Deletes those that no entity has. Where they were found is forgotten when the documents are looked through anew. */
function forgetNames(database: Database, candidates: readonly NameRow[], names: NameChanges): void {
  const sql =
    "DELETE FROM graph_name WHERE id = ? AND NOT EXISTS (SELECT 1 FROM graph_entity_name WHERE name = graph_name.id)";
  for (const { name, key } of candidates) {
    if (database.run(sql, name).changes === 0) continue;
    if (!names.added.delete(key)) names.gone.add(key);
  }
}

function noteChange(
  database: Database,
  graph: TenantGraph,
  { added, gone }: NameChanges,
  { changedCount, entities }: { readonly changedCount: number; readonly entities: number },
): WrittenGraph {
  const version = graph.version + 1;
  const namesSeq = graph.namesSeq + (added.size + gone.size > 0 ? 1 : 0);
  const entityCount = graph.entityCount + entities;
  const maxNameWords = Math.max(graph.maxNameWords, ...Array.from(added.keys(), wordCountOf));
  const sql = `INSERT OR REPLACE INTO graph (tenant, names_seq, version, entity_count, max_name_words) VALUES (?, ?, ?, ?, ?)`;
  database.run(sql, graph.tenant, namesSeq, version, entityCount, maxNameWords);
  return {
    changedCount,
    apply: () => {
      Object.assign(graph, { version, namesSeq, entityCount, maxNameWords });
      for (const key of gone) graph.names.delete(key);
      for (const [key, row] of added) graph.names.set(key, row);
    },
  };
}
