import type { Transaction } from "@quartet/postgres";
import { checkEnds, type Entity, type Graph, isSameEntity, namedEntities } from "../../domain/graph.ts";
import { nameKey, wordCountOf } from "../../domain/graph-names.ts";

interface Context {
  readonly transaction: Transaction;
  readonly tenant: string;
}

interface EntityRow extends Entity {
  readonly row: number;
}

/** Merges a graph within its transaction, which holds the tenant's graph from the first statement on; gives what changed. Throws GraphError. */
export async function putGraph(context: Context, graph: Graph): Promise<number> {
  const { transaction, tenant } = context;
  await transaction.execute("INSERT INTO graph (tenant) VALUES ($1) ON CONFLICT DO NOTHING", [tenant]);
  await lockGraph(context);
  const known = await readEntities(context, namedEntities(graph));
  checkEnds(graph, (id) => known.has(id));
  const changed = graph.entities.filter((entity) => {
    const before = known.get(entity.id);
    return before === undefined || !isSameEntity(before, entity);
  });
  const rows = new Map(Array.from(known, ([id, { row }]) => [id, row]));
  for (const [id, row] of await writeEntities(context, changed)) rows.set(id, row);
  const names = await writeNames(context, changed, rows);
  const changedCount =
    changed.length + (await writeRelations(context, graph, rows)) + (await writeMentions(context, graph, rows));
  if (changedCount > 0) {
    await transaction.execute(
      `UPDATE graph SET version = version + 1, names_seq = names_seq + $2, max_name_words = greatest(max_name_words, $3),
         entity_count = entity_count + $4 WHERE tenant = $1`,
      [tenant, names.changedCount > 0 ? 1 : 0, names.maxWords, changed.filter(({ id }) => !known.has(id)).length],
    );
  }
  return changedCount;
}

/** Deletes entities with all that hangs on them within a transaction; gives how many there were. */
export async function deleteEntities(context: Context, entityIds: readonly string[]): Promise<number> {
  const { transaction, tenant } = context;
  await lockGraph(context);
  const entities = [...(await readEntities(context, entityIds)).values()].map(({ row }) => row);
  if (entities.length === 0) return 0;
  const names = await namesOf(context, entities);
  await transaction.execute("DELETE FROM graph_entity WHERE tenant = $1 AND id = ANY ($2::bigint[])", [
    tenant,
    entities,
  ]);
  const gone = await forgetNames(context, names);
  await transaction.execute(
    "UPDATE graph SET version = version + 1, names_seq = names_seq + $3, entity_count = entity_count - $2 WHERE tenant = $1",
    [tenant, entities.length, gone > 0 ? 1 : 0],
  );
  return entities.length;
}

/** Documents that are still to be looked through for names that came or went since they were. */
export async function waitingDocuments({ transaction, tenant }: Context): Promise<number> {
  const [row] = await transaction.query<{ count: number }>(
    `SELECT count(*) AS count FROM document WHERE tenant = $1
       AND names_seq < (SELECT names_seq FROM graph WHERE tenant = $1)`,
    [tenant],
  );
  return row!.count;
}

async function lockGraph({ transaction, tenant }: Context): Promise<void> {
  await transaction.query("SELECT FROM graph WHERE tenant = $1 FOR UPDATE", [tenant]);
}

async function readEntities({ transaction, tenant }: Context, ids: readonly string[]): Promise<Map<string, EntityRow>> {
  const rows = await transaction.query<EntityRow>(
    `SELECT id AS row, entity_id AS id, name, kind, aliases FROM graph_entity WHERE tenant = $1 AND entity_id = ANY ($2::text[])`,
    [tenant, ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Rows of the entities, by ID. */
async function writeEntities(
  { transaction, tenant }: Context,
  entities: readonly Entity[],
): Promise<Map<string, number>> {
  if (entities.length === 0) return new Map();
  const rows = await transaction.query<{ row: number; id: string }>(
    `INSERT INTO graph_entity (tenant, entity_id, name, kind, aliases)
     SELECT $1, id, name, kind, aliases FROM json_to_recordset($2::json) AS given (id text, name text, kind text, aliases text[])
     ON CONFLICT (tenant, entity_id) DO UPDATE SET (name, kind, aliases) = (excluded.name, excluded.kind, excluded.aliases)
     RETURNING id AS row, entity_id AS id`,
    [tenant, JSON.stringify(entities)],
  );
  return new Map(rows.map(({ row, id }) => [id, row]));
}

/** Gives the entities the names that they have now, and forgets those that nothing is called by any longer. */
async function writeNames(
  context: Context,
  entities: readonly Entity[],
  rows: ReadonlyMap<string, number>,
): Promise<{ readonly changedCount: number; readonly maxWords: number }> {
  if (entities.length === 0) return { changedCount: 0, maxWords: 0 };
  const { transaction, tenant } = context;
  const before = await namesOf(
    context,
    entities.map(({ id }) => rows.get(id)!),
  );
  const links = entities.flatMap(({ id, name, aliases }) => {
    const keys = new Set([name, ...aliases].flatMap((each) => nameKey(each) ?? []));
    return Array.from(keys, (key) => ({ entity: rows.get(id)!, key }));
  });
  const keys = [...new Set(links.map(({ key }) => key))];
  const text = `INSERT INTO graph_name (tenant, key) SELECT $1, key FROM unnest($2::text[]) AS given (key)
    ON CONFLICT (tenant, key) DO NOTHING`;
  const added = await transaction.execute(text, [tenant, keys]);
  await transaction.execute(
    `WITH wanted AS MATERIALIZED (
       SELECT given.entity, n.id AS name FROM unnest($2::bigint[], $3::text[]) AS given (entity, key)
         JOIN graph_name n ON n.tenant = $1 AND n.key = given.key
     ), gone AS (
       DELETE FROM graph_entity_name l WHERE l.tenant = $1 AND l.entity = ANY ($4::bigint[])
         AND NOT EXISTS (SELECT FROM wanted w WHERE w.entity = l.entity AND w.name = l.name)
     )
     INSERT INTO graph_entity_name (entity, name, tenant) SELECT entity, name, $1 FROM wanted ON CONFLICT DO NOTHING`,
    [tenant, links.map(({ entity }) => entity), links.map(({ key }) => key), entities.map(({ id }) => rows.get(id)!)],
  );
  const gone = await forgetNames(context, before);
  return { changedCount: added + gone, maxWords: Math.max(0, ...keys.map(wordCountOf)) };
}

async function namesOf({ transaction, tenant }: Context, entities: readonly number[]): Promise<readonly number[]> {
  const text = "SELECT DISTINCT name FROM graph_entity_name WHERE tenant = $1 AND entity = ANY ($2::bigint[])";
  return (await transaction.query<{ name: number }>(text, [tenant, entities])).map(({ name }) => name);
}

/**
 * Of these names, deletes those that no entity has; gives how many. Where they were found is forgotten when the documents are looked through anew.
 */
async function forgetNames({ transaction, tenant }: Context, names: readonly number[]): Promise<number> {
  if (names.length === 0) return 0;
  return transaction.execute(
    `DELETE FROM graph_name n WHERE n.tenant = $1 AND n.id = ANY ($2::bigint[])
       AND NOT EXISTS (SELECT FROM graph_entity_name l WHERE l.name = n.id)`,
    [tenant, names],
  );
}

async function writeRelations(
  { transaction, tenant }: Context,
  { relations }: Graph,
  rows: ReadonlyMap<string, number>,
): Promise<number> {
  if (relations.length === 0) return 0;
  return transaction.execute(
    `INSERT INTO graph_relation AS r (tenant, source, target, kind, weight)
     SELECT $1, source, target, kind, weight FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::float8[])
       AS given (source, target, kind, weight)
     ON CONFLICT (source, target, kind) DO UPDATE SET weight = excluded.weight WHERE r.weight <> excluded.weight`,
    [
      tenant,
      relations.map(({ source }) => rows.get(source)!),
      relations.map(({ target }) => rows.get(target)!),
      relations.map(({ kind }) => kind),
      relations.map(({ weight }) => weight),
    ],
  );
}

async function writeMentions(
  { transaction, tenant }: Context,
  { mentions }: Graph,
  rows: ReadonlyMap<string, number>,
): Promise<number> {
  if (mentions.length === 0) return 0;
  return transaction.execute(
    `INSERT INTO graph_mention (entity, tenant, document_id, start_offset, end_offset)
     SELECT entity, $1, document_id, start_offset, end_offset FROM unnest($2::bigint[], $3::text[], $4::int[], $5::int[])
       AS given (entity, document_id, start_offset, end_offset)
     ON CONFLICT DO NOTHING`,
    [
      tenant,
      mentions.map(({ entityId }) => rows.get(entityId)!),
      mentions.map(({ documentId }) => documentId),
      mentions.map(({ span }) => span?.start ?? null),
      mentions.map(({ span }) => span?.end ?? null),
    ],
  );
}
