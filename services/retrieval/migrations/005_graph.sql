-- The graph: entities with the names by which texts mention them, relations between them, and which passages mention which name.
--
-- A name is kept once, by its key (src/domain/graph-names.ts), and what was found in texts hangs on the name: an entity that is given other names, or a
-- name that several entities share, needs no text to be read again. When names come or go, the documents that are there already are looked through
-- anew, in the background: the longest name counts, so that each may change what was found of others. `names_seq` of a tenant counts how often
-- names came or went, that of a document says up to where it was looked through. A document put meanwhile is looked through for the names that
-- its transaction sees, and carries the number from before that look.

-- One row for each tenant that has a graph. Whoever changes the graph locks it first: changes of one tenant's graph come one after the other.
CREATE TABLE graph (
  tenant text COLLATE "C" PRIMARY KEY CHECK (tenant <> ''),
  names_seq bigint NOT NULL DEFAULT 0,
  -- Grows with every change of what a search of the graph may find, but for those of documents.
  version bigint NOT NULL DEFAULT 0,
  entity_count bigint NOT NULL DEFAULT 0,
  -- No name has more words; it never falls.
  max_name_words integer NOT NULL DEFAULT 0
);

CREATE TABLE graph_entity (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  entity_id text COLLATE "C" NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  aliases text[] NOT NULL,
  UNIQUE (tenant, entity_id)
);

CREATE TABLE graph_name (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  UNIQUE (tenant, key)
);

CREATE TABLE graph_entity_name (
  entity bigint NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
  name bigint NOT NULL REFERENCES graph_name (id) ON DELETE CASCADE,
  tenant text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, name)
);
CREATE INDEX graph_entity_name_by_name ON graph_entity_name (name, entity);

CREATE TABLE graph_relation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  source bigint NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
  target bigint NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
  kind text COLLATE "C" NOT NULL,
  weight double precision NOT NULL CHECK (weight > 0 AND weight <= 1),
  UNIQUE (source, target, kind)
);
-- A walk takes the strongest relations of an entity, in both directions.
CREATE INDEX graph_relation_by_source ON graph_relation (source, weight DESC, id);
CREATE INDEX graph_relation_by_target ON graph_relation (target, weight DESC, id);

-- Mentions that were given. The document may come later, and may go and come again: it is known by its ID.
CREATE TABLE graph_mention (
  entity bigint NOT NULL REFERENCES graph_entity (id) ON DELETE CASCADE,
  tenant text COLLATE "C" NOT NULL,
  document_id text COLLATE "C" NOT NULL,
  -- Code points of the document's text, end exclusive; null for anywhere.
  start_offset integer,
  end_offset integer,
  UNIQUE NULLS NOT DISTINCT (entity, document_id, start_offset, end_offset)
);

-- Mentions that were found in texts. Neither end is a foreign key. A passage takes its rows along by a trigger, once for each statement. A name
-- does not: it may be found in a document that is being put, which must neither wait nor fail for it. Rows of a name that is gone lead nowhere, since
-- names are never numbered again, until the document is looked through anew.
CREATE TABLE graph_found (
  name bigint NOT NULL,
  passage bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  PRIMARY KEY (name, passage)
);
CREATE INDEX graph_found_by_passage ON graph_found (passage);

ALTER TABLE document ADD COLUMN names_seq bigint NOT NULL DEFAULT 0;
CREATE INDEX document_by_names_seq ON document (tenant, names_seq, id);

CREATE FUNCTION forget_found_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM graph_found f USING gone g WHERE f.passage = g.id;
  RETURN NULL;
END $$;
CREATE TRIGGER forget_found_names AFTER DELETE ON passage REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_found_names();

ALTER TABLE graph ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE graph_entity ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE graph_name ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE graph_entity_name ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE graph_relation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE graph_mention ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE graph_found ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON graph USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON graph_entity USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON graph_name USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON graph_entity_name USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON graph_relation USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON graph_mention USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON graph_found USING (tenant = current_setting('quartet.tenant', true));
-- Documents that are behind are looked for in all tenants, and looked through as one of them.
CREATE POLICY every ON graph FOR SELECT TO quartet_projector USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON graph, graph_entity, graph_name, graph_entity_name, graph_relation, graph_mention, graph_found
  TO quartet_retrieval;
GRANT SELECT ON graph TO quartet_projector;
