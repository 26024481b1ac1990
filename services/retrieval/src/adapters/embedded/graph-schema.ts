/** The tables of the graph; as in migrations/005_graph.sql, where they are explained. */
export const graphTables = `
  CREATE TABLE graph (
    tenant TEXT PRIMARY KEY,
    names_seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    entity_count INTEGER NOT NULL,
    max_name_words INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE graph_entity (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    aliases TEXT NOT NULL,
    UNIQUE (tenant, entity_id)
  ) STRICT;

  CREATE TABLE graph_name (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    UNIQUE (tenant, key)
  ) STRICT;

  CREATE TABLE graph_entity_name (
    entity INTEGER NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
    name INTEGER NOT NULL REFERENCES graph_name (id) ON DELETE CASCADE,
    PRIMARY KEY (entity, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX graph_entity_name_by_name ON graph_entity_name (name, entity);

  CREATE TABLE graph_relation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
    target INTEGER NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    weight REAL NOT NULL,
    UNIQUE (source, target, kind)
  ) STRICT;
  CREATE INDEX graph_relation_by_source ON graph_relation (source, weight DESC, id);
  CREATE INDEX graph_relation_by_target ON graph_relation (target, weight DESC, id);

  -- Without a span: from -1 to -1, since a key has no nulls.
  CREATE TABLE graph_mention (
    entity INTEGER NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL,
    start_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    PRIMARY KEY (entity, document_id, start_offset, end_offset)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE graph_found (
    name INTEGER NOT NULL,
    passage INTEGER NOT NULL REFERENCES passage (id) ON DELETE CASCADE,
    PRIMARY KEY (name, passage)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX graph_found_by_passage ON graph_found (passage);

  ALTER TABLE document ADD COLUMN names_seq INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX document_by_names_seq ON document (tenant, names_seq);
`;
