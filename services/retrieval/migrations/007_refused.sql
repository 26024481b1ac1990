-- Passages that the embedder of a space refuses for good. They count as done: nothing waits for their vectors.
CREATE TABLE refused_passage (
  space bigint NOT NULL REFERENCES space (id) ON DELETE CASCADE,
  passage bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  PRIMARY KEY (space, passage)
);
ALTER TABLE refused_passage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON refused_passage TO quartet_retrieval USING (tenant = current_setting('quartet.tenant', true));
GRANT SELECT, INSERT, DELETE ON refused_passage TO quartet_retrieval;

-- Passages of the collection that are refused in the space and have no vector in it: exact in every transaction.
ALTER TABLE space ADD COLUMN refused_count bigint NOT NULL DEFAULT 0 CHECK (refused_count >= 0);

-- Takes passages off the refused ones of a space, whose row is locked by the caller.
CREATE FUNCTION forget_refusals(s space, passages bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  forgotten bigint;
BEGIN
  DELETE FROM refused_passage WHERE space = s.id AND passage = ANY (passages);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  IF forgotten > 0 THEN
    UPDATE space SET refused_count = refused_count - forgotten WHERE id = s.id;
  END IF;
END $$;

-- As before, and a passage that gets a vector after all is no longer refused.
CREATE OR REPLACE FUNCTION store_vectors(space_row bigint, passages bigint[], places int[], vectors text[]) RETURNS void LANGUAGE plpgsql AS $$
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
  IF s.refused_count > 0 THEN
    PERFORM forget_refusals(s, passages);
  END IF;
END $$;

-- As before, and passages that are gone are not refused either.
CREATE OR REPLACE FUNCTION forget_passages() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  s space;
  passages bigint[];
  forgotten bigint;
BEGIN
  FOR s IN
    SELECT * FROM space WHERE role <> 'left' AND collection_id IN (SELECT g.collection_id FROM gone g) ORDER BY id FOR UPDATE
  LOOP
    passages := ARRAY(SELECT g.id FROM gone g WHERE g.collection_id = s.collection_id);
    forgotten := forget_vectors(s, passages);
    IF forgotten > 0 THEN
      UPDATE space SET vector_count = vector_count - forgotten WHERE id = s.id;
    END IF;
    IF s.refused_count > 0 THEN
      PERFORM forget_refusals(s, passages);
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
