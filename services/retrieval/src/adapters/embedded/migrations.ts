import { graphTables } from "./graph-schema.ts";

/**
 * The schema, one step per version; a released step is never changed, only followed by another. Text other than what is filtered or listed
 * by lies in tables of its own, so that opening the store reads no more than it needs.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE collection (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    record_seq INTEGER NOT NULL,
    UNIQUE (tenant, name)
  ) STRICT;

  CREATE TABLE document (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    document_id TEXT NOT NULL,
    collection INTEGER NOT NULL REFERENCES collection (id),
    title TEXT NOT NULL,
    media_type TEXT NOT NULL,
    language TEXT NOT NULL,
    uri TEXT NOT NULL,
    tags TEXT NOT NULL,
    taxonomy_path TEXT NOT NULL,
    metadata TEXT NOT NULL,
    version INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    create_time_ms INTEGER NOT NULL,
    update_time_ms INTEGER NOT NULL,
    UNIQUE (tenant, document_id)
  ) STRICT;

  CREATE TABLE document_text (
    document INTEGER PRIMARY KEY REFERENCES document (id) ON DELETE CASCADE,
    text TEXT NOT NULL
  ) STRICT;

  CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    collection INTEGER NOT NULL REFERENCES collection (id),
    ordinal INTEGER NOT NULL,
    start_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    content_hash BLOB NOT NULL
  ) STRICT;
  CREATE INDEX passage_by_document ON passage (document);
  CREATE INDEX passage_by_content ON passage (collection, content_hash);

  CREATE TABLE passage_text (
    passage INTEGER PRIMARY KEY REFERENCES passage (id) ON DELETE CASCADE,
    headings TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;

  CREATE TABLE term (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE passage_terms (
    passage INTEGER PRIMARY KEY REFERENCES passage (id) ON DELETE CASCADE,
    token_count INTEGER NOT NULL,
    terms BLOB NOT NULL
  ) STRICT;

  -- A space of a collection. Its vectors are in the table vector_ID, so that leaving a space is dropping a table.
  CREATE TABLE space (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collection (id),
    role TEXT NOT NULL CHECK (role IN ('active', 'building')),
    space_id TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('hashed', 'semantic')),
    dense_weight REAL NOT NULL,
    cache_threshold REAL NOT NULL,
    model TEXT NOT NULL,
    UNIQUE (collection, role)
  ) STRICT;
  `,
  `
  -- What is kept for the store as a whole: one row. The key signs page tokens.
  CREATE TABLE installation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    page_token_key BLOB NOT NULL
  ) STRICT;
  INSERT INTO installation (id, page_token_key) VALUES (1, randomblob(32));
  `,
  graphTables,
  `
  -- Passages that the embedder of a space refuses for good.
  CREATE TABLE refused_passage (
    passage INTEGER NOT NULL REFERENCES passage (id) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    PRIMARY KEY (passage, space)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX refused_passage_by_space ON refused_passage (space);
  `,
];

/** The table of a space's vectors; `scale` is null for float32, else a component is byte x scale. */
export function vectorTable(spaceRow: number): string {
  return `
  CREATE TABLE vector_${spaceRow} (
    passage INTEGER PRIMARY KEY REFERENCES passage (id) ON DELETE CASCADE,
    scale REAL,
    components BLOB NOT NULL
  ) STRICT;
  ${vectorPassagesIndex(spaceRow)}`;
}

/** Which passages have a vector, without reading any: a thousandth of the table. Stores of before had none. */
export function vectorPassagesIndex(spaceRow: number): string {
  return `CREATE INDEX IF NOT EXISTS vector_${spaceRow}_passages ON vector_${spaceRow} (passage)`;
}
