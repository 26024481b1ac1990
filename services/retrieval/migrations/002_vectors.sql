-- Vectors of passages, by space. Small spaces lie together in one table per number of dimensions and are scanned whole; a large one is moved
-- to a table of its own, with an HNSW index. Tables are not made per embedding space ID: callers choose those, and could make any number.
--
-- Where the rows of a space lie (`placement`), and where new ones go. Whoever writes vectors, or passages that have some, locks the row of the
-- space first, and that of the collection, if at all, afterwards:
--   shared    all in vector_<dimensions>.
--   moving    batches go from there to vector_<dimensions>_<id>, which has no index yet; new ones go to the shared table.
--   indexing  the own table takes no writes while its index is built: new ones go to the shared table, and what is forgotten or put anew is
--             marked in vector_stale.
--   settling  marked rows are deleted, and what has come to the shared table follows; new ones go to the own table.
--   own       all in the own table.
-- A search reads all tables of the placement in one snapshot, so that it sees every vector once.

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

CREATE TABLE space (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  collection_id bigint NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
  -- A space that was left is never read again; its vectors are deleted afterwards, off the path of requests.
  role text NOT NULL CHECK (role IN ('active', 'building', 'left')),
  space_id text NOT NULL,
  dimensions int NOT NULL CHECK (dimensions BETWEEN 1 AND 4096),
  kind text NOT NULL CHECK (kind IN ('hashed', 'semantic')),
  dense_weight double precision NOT NULL,
  cache_threshold double precision NOT NULL,
  model text NOT NULL,
  -- Passages of the collection with a vector in the space: exact in every transaction.
  vector_count bigint NOT NULL DEFAULT 0 CHECK (vector_count >= 0),
  placement text NOT NULL DEFAULT 'shared' CHECK (placement IN ('shared', 'moving', 'indexing', 'settling', 'own')),
  left_at timestamptz CHECK ((left_at IS NOT NULL) = (role = 'left'))
);
CREATE UNIQUE INDEX space_by_role ON space (collection_id, role) WHERE role <> 'left';

-- Rows of an own table that are not to be seen: see `indexing`.
CREATE TABLE vector_stale (
  space bigint NOT NULL REFERENCES space (id) ON DELETE CASCADE,
  passage bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  PRIMARY KEY (space, passage)
);

-- Passages without a vector are looked for in the order of their numbers.
CREATE INDEX passage_by_collection ON passage (collection_id, id);

ALTER TABLE space ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE vector_stale ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- Also for the owner, as whom the functions below read it.
CREATE POLICY own ON space USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own ON vector_stale TO quartet_retrieval USING (tenant = current_setting('quartet.tenant', true));
-- What is to be moved, indexed and dropped is looked for in all tenants, and done as one of them.
CREATE POLICY every ON space FOR SELECT TO quartet_projector USING (true);
GRANT SELECT ON space TO quartet_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON space, vector_stale TO quartet_retrieval;

CREATE FUNCTION shared_vector_table(s space) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN 'vector_' || s.dimensions;
CREATE FUNCTION own_vector_table(s space) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN 'vector_' || s.dimensions || '_' || s.id;

-- Below: the only definitions that make and drop tables, for the service's role, which owns nothing. Names are made of numbers; nothing of a
-- caller gets into a statement.

-- Internal: a table of vectors, protected like every other.
CREATE FUNCTION make_vector_table(table_name text, dimensions int, key text) RETURNS void LANGUAGE plpgsql
  SET search_path = quartet_retrieval, pg_temp AS $$
BEGIN
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS quartet_retrieval.%I (
       space bigint NOT NULL,
       passage bigint NOT NULL,
       tenant text COLLATE "C" NOT NULL,
       embedding public.halfvec(%s) NOT NULL,
       PRIMARY KEY (%s)
     )', table_name, dimensions, key);
  -- Out of line, a vector costs a scan more than twice the time. Rows longer than a page must lie there.
  IF dimensions <= 3900 THEN
    EXECUTE format('ALTER TABLE quartet_retrieval.%I ALTER COLUMN embedding SET STORAGE PLAIN', table_name);
  END IF;
  EXECUTE format('ALTER TABLE quartet_retrieval.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_name);
  EXECUTE format(
    'CREATE POLICY own ON quartet_retrieval.%I TO quartet_retrieval
       USING (tenant = current_setting(''quartet.tenant'', true))', table_name);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON quartet_retrieval.%I TO quartet_retrieval', table_name);
END $$;
REVOKE EXECUTE ON FUNCTION make_vector_table FROM PUBLIC;

-- Makes the shared table of so many dimensions, unless it is there.
CREATE FUNCTION ensure_vector_table(dimensions int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = quartet_retrieval, pg_temp AS $$
DECLARE
  table_name text := 'vector_' || dimensions;
BEGIN
  IF dimensions IS NULL OR dimensions NOT BETWEEN 1 AND 4096 THEN
    RAISE EXCEPTION 'vectors have 1 to 4096 dimensions' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('quartet vector tables', 0));
  IF to_regclass('quartet_retrieval.' || table_name) IS NULL THEN
    PERFORM make_vector_table(table_name, dimensions, 'space, passage');
  END IF;
END $$;
REVOKE EXECUTE ON FUNCTION ensure_vector_table FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_vector_table TO quartet_retrieval;

-- Internal: a space of the transaction's tenant, also where the owner of the functions is above row security.
CREATE FUNCTION space_of_tenant(space_row bigint) RETURNS space LANGUAGE plpgsql
  SET search_path = quartet_retrieval, pg_temp AS $$
DECLARE
  s space;
BEGIN
  SELECT * INTO s FROM space WHERE id = space_row AND tenant = current_setting('quartet.tenant', true);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such space' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN s;
END $$;
REVOKE EXECUTE ON FUNCTION space_of_tenant FROM PUBLIC;

-- shared -> moving. HNSW takes up to 4,000 dimensions in half precision.
CREATE FUNCTION begin_own_vectors(space_row bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = quartet_retrieval, pg_temp AS $$
DECLARE
  s space := space_of_tenant(space_row);
BEGIN
  IF s.placement <> 'shared' OR s.role = 'left' OR s.dimensions > 4000 THEN
    RAISE EXCEPTION 'the space cannot be moved' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM make_vector_table(own_vector_table(s), s.dimensions, 'passage');
  UPDATE space SET placement = 'moving' WHERE id = s.id;
END $$;
REVOKE EXECUTE ON FUNCTION begin_own_vectors FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_own_vectors TO quartet_retrieval;

-- Builds the index of an own table that takes no writes. Searches read the table meanwhile.
CREATE FUNCTION index_own_vectors(space_row bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = quartet_retrieval, pg_temp AS $$
DECLARE
  s space := space_of_tenant(space_row);
BEGIN
  IF s.placement <> 'indexing' THEN
    RAISE EXCEPTION 'the space is not ready for its index' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE format(
    'CREATE INDEX IF NOT EXISTS %I ON quartet_retrieval.%I USING hnsw (embedding public.halfvec_ip_ops)',
    own_vector_table(s) || '_hnsw', own_vector_table(s));
  EXECUTE format('ANALYZE quartet_retrieval.%I', own_vector_table(s));
END $$;
REVOKE EXECUTE ON FUNCTION index_own_vectors FROM PUBLIC;
GRANT EXECUTE ON FUNCTION index_own_vectors TO quartet_retrieval;

-- Drops the own table of a space that was left.
CREATE FUNCTION drop_own_vectors(space_row bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = quartet_retrieval, pg_temp AS $$
DECLARE
  s space := space_of_tenant(space_row);
BEGIN
  IF s.role <> 'left' THEN
    RAISE EXCEPTION 'the space is in use' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE format('DROP TABLE IF EXISTS quartet_retrieval.%I', own_vector_table(s));
  UPDATE space SET placement = 'shared' WHERE id = s.id;
END $$;
REVOKE EXECUTE ON FUNCTION drop_own_vectors FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_own_vectors TO quartet_retrieval;

-- Below: reading and writing rows wherever they lie, with the rights and under the row security of the caller.

-- Forgets the vectors of these passages in a space; gives how many there were.
CREATE FUNCTION forget_vectors(s space, passages bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  from_shared bigint := 0;
  from_own bigint := 0;
BEGIN
  IF s.placement <> 'own' THEN
    EXECUTE format('DELETE FROM %I WHERE space = $1 AND passage = ANY ($2)', shared_vector_table(s)) USING s.id, passages;
    GET DIAGNOSTICS from_shared = ROW_COUNT;
  END IF;
  IF s.placement = 'indexing' THEN
    EXECUTE format(
      'INSERT INTO vector_stale (space, passage, tenant) SELECT space, passage, tenant FROM %I WHERE passage = ANY ($1)
       ON CONFLICT DO NOTHING', own_vector_table(s)) USING passages;
    GET DIAGNOSTICS from_own = ROW_COUNT;
  ELSIF s.placement <> 'shared' THEN
    EXECUTE format(
      'WITH gone AS (DELETE FROM %I WHERE passage = ANY ($2) RETURNING passage),
         unmarked AS (DELETE FROM vector_stale WHERE space = $1 AND passage = ANY ($2) RETURNING passage)
       SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM unmarked)', own_vector_table(s))
      INTO from_own USING s.id, passages;
  END IF;
  RETURN from_shared + from_own;
END $$;

-- The table that new rows of a space go to.
CREATE FUNCTION home_vector_table(s space) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN s.placement IN ('settling', 'own') THEN own_vector_table(s) ELSE shared_vector_table(s) END;

-- Gives each passage the vector at its place in the list (from 1), instead of one it has. The space's row is locked by the caller.
CREATE FUNCTION store_vectors(space_row bigint, passages bigint[], places int[], vectors text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  s space;
  forgotten bigint;
BEGIN
  SELECT * INTO STRICT s FROM space WHERE id = space_row;
  forgotten := forget_vectors(s, passages);
  EXECUTE format(
    'WITH embedded AS MATERIALIZED (
       SELECT place, vector::halfvec AS embedding FROM unnest($5) WITH ORDINALITY AS given (vector, place)
     )
     INSERT INTO %I (space, passage, tenant, embedding)
     SELECT $1, wanted.passage, $2, embedded.embedding FROM unnest($3, $4) AS wanted (passage, place) JOIN embedded USING (place)',
    home_vector_table(s)) USING s.id, s.tenant, passages, places, vectors;
  UPDATE space SET vector_count = vector_count + cardinality(passages) - forgotten WHERE id = s.id;
END $$;

-- A condition, as SQL over a passage's ID: whether it has a vector in the space.
CREATE FUNCTION has_vector(s space, passage text) RETURNS text LANGUAGE sql IMMUTABLE RETURN concat_ws(' OR ',
  CASE WHEN s.placement <> 'own' THEN
    format('EXISTS (SELECT 1 FROM %I v WHERE v.space = %s AND v.passage = %s)', shared_vector_table(s), s.id, passage) END,
  CASE WHEN s.placement <> 'shared' THEN
    format('EXISTS (SELECT 1 FROM %I v WHERE v.passage = %s)', own_vector_table(s), passage)
    || CASE WHEN s.placement IN ('indexing', 'settling') THEN
      format(' AND NOT EXISTS (SELECT 1 FROM vector_stale o WHERE o.space = %s AND o.passage = %s)', s.id, passage)
      ELSE '' END END);

-- A query, as SQL over a passage's ID: its vector in the space, if it has one.
CREATE FUNCTION vector_of(s space, passage text) RETURNS text LANGUAGE sql IMMUTABLE RETURN concat_ws(' UNION ALL ',
  CASE WHEN s.placement <> 'own' THEN
    format('SELECT v.embedding FROM %I v WHERE v.space = %s AND v.passage = %s', shared_vector_table(s), s.id, passage) END,
  CASE WHEN s.placement <> 'shared' THEN
    format('SELECT v.embedding FROM %I v WHERE v.passage = %s', own_vector_table(s), passage) END);

-- Moves some rows to the own table, or of a settling space deletes some marked ones; gives how many, 0 when all is done.
CREATE FUNCTION move_vectors(space_row bigint, batch int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  s space;
  moved bigint;
BEGIN
  SELECT * INTO STRICT s FROM space WHERE id = space_row FOR UPDATE;
  IF s.placement NOT IN ('moving', 'settling') THEN
    RAISE EXCEPTION 'the space is not being moved' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  EXECUTE format(
    'WITH unmarked AS (DELETE FROM vector_stale WHERE space = $1 AND passage IN
         (SELECT passage FROM vector_stale WHERE space = $1 ORDER BY passage LIMIT $2) RETURNING passage)
     DELETE FROM %I WHERE passage IN (SELECT passage FROM unmarked)', own_vector_table(s)) USING s.id, batch;
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF moved > 0 THEN
    RETURN moved;
  END IF;
  EXECUTE format(
    'WITH moved AS (DELETE FROM %I WHERE space = $1 AND passage IN
         (SELECT passage FROM %1$I WHERE space = $1 ORDER BY passage LIMIT $2) RETURNING *)
     INSERT INTO %I (space, passage, tenant, embedding) SELECT space, passage, tenant, embedding FROM moved',
    shared_vector_table(s), own_vector_table(s)) USING s.id, batch;
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN moved;
END $$;

-- Deletes some of the shared rows of a space that was left; gives how many.
CREATE FUNCTION erase_vectors(space_row bigint, batch int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  s space;
  erased bigint;
BEGIN
  SELECT * INTO STRICT s FROM space WHERE id = space_row AND role = 'left';
  EXECUTE format(
    'DELETE FROM %I WHERE space = $1 AND passage IN (SELECT passage FROM %1$I WHERE space = $1 ORDER BY passage LIMIT $2)',
    shared_vector_table(s)) USING s.id, batch;
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$;

-- Equal content is embedded once: new passages take the vectors of equal ones. The oldest equal passages get vectors first; were all looked
-- at, a line repeated in ten thousand passages would be, for each of them.
CREATE FUNCTION copy_vectors() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  s space;
  copied bigint;
BEGIN
  FOR s IN
    SELECT * FROM space WHERE role <> 'left' AND collection_id IN (SELECT a.collection_id FROM added a) ORDER BY id FOR UPDATE
  LOOP
    EXECUTE format(
      'INSERT INTO %I (space, passage, tenant, embedding)
       SELECT $1, a.id, a.tenant, equal.embedding FROM added a, LATERAL (
         SELECT v.embedding FROM (
           SELECT p.id FROM passage p WHERE p.collection_id = a.collection_id AND p.content_hash = a.content_hash ORDER BY p.id LIMIT 8
         ) p, LATERAL (%s) v LIMIT 1
       ) equal WHERE a.collection_id = $2', home_vector_table(s), vector_of(s, 'p.id')) USING s.id, s.collection_id;
    GET DIAGNOSTICS copied = ROW_COUNT;
    IF copied > 0 THEN
      UPDATE space SET vector_count = vector_count + copied WHERE id = s.id;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION forget_passages() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  s space;
  forgotten bigint;
BEGIN
  FOR s IN
    SELECT * FROM space WHERE role <> 'left' AND collection_id IN (SELECT g.collection_id FROM gone g) ORDER BY id FOR UPDATE
  LOOP
    forgotten := forget_vectors(s, ARRAY(SELECT g.id FROM gone g WHERE g.collection_id = s.collection_id));
    IF forgotten > 0 THEN
      UPDATE space SET vector_count = vector_count - forgotten WHERE id = s.id;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

CREATE TRIGGER copy_vectors AFTER INSERT ON passage REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION copy_vectors();
CREATE TRIGGER forget_passages AFTER DELETE ON passage REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_passages();

-- Passages with a vector in the active space, by document; without those that have none.
CREATE FUNCTION document_vector_counts(documents bigint[]) RETURNS TABLE (document bigint, vector_count int)
  LANGUAGE plpgsql STABLE AS $$
DECLARE
  s space;
BEGIN
  FOR s IN SELECT * FROM space WHERE role = 'active' AND collection_id IN
    (SELECT d.collection_id FROM document d WHERE d.id = ANY (documents)) LOOP
    RETURN QUERY EXECUTE format(
      'SELECT p.document, count(*)::int FROM passage p WHERE p.document = ANY ($1) AND p.collection_id = $2 AND (%s) GROUP BY p.document',
      has_vector(s, 'p.id')) USING documents, s.collection_id;
  END LOOP;
END $$;
