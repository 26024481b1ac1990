-- The record: collections, documents, passages, and what changed of them. Services run as roles that own nothing and see the rows of one
-- tenant: the one that their transaction names in quartet.tenant.

CREATE TABLE collection (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL CHECK (tenant <> ''),
  name text COLLATE "C" NOT NULL,
  -- How often the collection has changed, and up to which change the keyword index has followed.
  record_seq bigint NOT NULL DEFAULT 0,
  projected_seq bigint NOT NULL DEFAULT 0,
  document_count bigint NOT NULL DEFAULT 0,
  passage_count bigint NOT NULL DEFAULT 0,
  UNIQUE (tenant, name)
);

-- Numbers changes over all tenants. A document's next change always has a greater number: it is taken under the lock of its row.
CREATE SEQUENCE change_seq;

-- Without its text, so that filters read little.
CREATE TABLE document (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  document_id text COLLATE "C" NOT NULL,
  collection_id bigint NOT NULL REFERENCES collection (id),
  -- The collection's name once more: filters compare it.
  collection text COLLATE "C" NOT NULL,
  title text COLLATE "C" NOT NULL,
  media_type text COLLATE "C" NOT NULL,
  language text COLLATE "C" NOT NULL,
  uri text COLLATE "C" NOT NULL,
  tags text[] COLLATE "C" NOT NULL,
  taxonomy_path text COLLATE "C" NOT NULL,
  metadata jsonb NOT NULL,
  -- The strings of metadata that are moments, by key, in milliseconds since 1970: read once, when the document is put.
  moments jsonb NOT NULL,
  version integer NOT NULL,
  content_hash bytea NOT NULL,
  create_time_ms bigint NOT NULL,
  update_time_ms bigint NOT NULL,
  -- The number of its last change.
  seq bigint NOT NULL,
  passage_count integer NOT NULL,
  text_bytes integer NOT NULL,
  UNIQUE (tenant, document_id)
);
CREATE INDEX document_by_collection ON document (collection_id);
CREATE INDEX document_by_taxonomy ON document (tenant, taxonomy_path) WHERE taxonomy_path <> '';

CREATE TABLE document_text (
  document bigint PRIMARY KEY REFERENCES document (id) ON DELETE CASCADE,
  tenant text COLLATE "C" NOT NULL,
  text text NOT NULL
);

CREATE TABLE passage (
  -- Never used again.
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  document bigint NOT NULL REFERENCES document (id) ON DELETE CASCADE,
  collection_id bigint NOT NULL REFERENCES collection (id),
  ordinal integer NOT NULL,
  -- Code points into the document's text, end exclusive.
  start_offset integer NOT NULL,
  end_offset integer NOT NULL,
  -- SHA-256 of what is embedded.
  content_hash bytea NOT NULL,
  headings text[] NOT NULL,
  text text NOT NULL
);
CREATE INDEX passage_by_document ON passage (document, ordinal);
CREATE INDEX passage_by_content ON passage (collection_id, content_hash, id);

-- Changes of documents that the keyword index has not followed yet.
CREATE TABLE outbox (
  seq bigint PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  document_id text COLLATE "C" NOT NULL,
  -- The collections that the change counted for, and the record_seq each had with it.
  collection_ids bigint[] NOT NULL,
  record_seqs bigint[] NOT NULL,
  removed_passage_ids bigint[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE collection ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE document ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE document_text ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE passage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- A tenant's own rows, for everybody. Nothing is seen where none is named: the setting is then null or empty.
CREATE POLICY own ON collection USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON document USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON document_text USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON passage USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON outbox USING (tenant = current_setting('quartet.tenant', true));

-- The projector carries changes of all tenants to the keyword index: it reads the record, and notes how far it came.
CREATE POLICY every ON collection TO quartet_projector USING (true);
CREATE POLICY every ON document FOR SELECT TO quartet_projector USING (true);
CREATE POLICY every ON passage FOR SELECT TO quartet_projector USING (true);
CREATE POLICY every ON outbox TO quartet_projector USING (true);

GRANT USAGE ON SCHEMA quartet_retrieval TO quartet_retrieval, quartet_projector;
GRANT SELECT ON migration TO quartet_retrieval, quartet_projector;

GRANT SELECT, INSERT, UPDATE ON collection TO quartet_retrieval;
GRANT SELECT, INSERT, UPDATE, DELETE ON document, document_text, passage TO quartet_retrieval;
GRANT SELECT, INSERT ON outbox TO quartet_retrieval;
GRANT USAGE ON SEQUENCE change_seq TO quartet_retrieval;

GRANT SELECT, UPDATE (projected_seq) ON collection TO quartet_projector;
GRANT SELECT ON document, passage TO quartet_projector;
GRANT SELECT, DELETE ON outbox TO quartet_projector;
