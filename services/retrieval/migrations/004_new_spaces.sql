-- A space that is being made is not seen by transactions that write or delete passages meanwhile: they would neither copy vectors to it nor
-- take theirs away, and its count would be wrong for good, so that a passage without a vector goes unnoticed. So whoever makes a space holds
-- this lock of the collection alone, and whoever changes its passages shares it: before the rows of its spaces.
CREATE FUNCTION passages_lock(collection bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
  RETURN hashtextextended('quartet passages ' || collection, 0);

-- In the order of their numbers, so that none waits in a circle.
CREATE FUNCTION share_passages(collections bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(passages_lock(c.id)) FROM (SELECT DISTINCT unnest(collections) AS id ORDER BY id) c;
END $$;

CREATE FUNCTION share_changed_passages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM share_passages(ARRAY(SELECT c.collection_id FROM changed c));
  RETURN NULL;
END $$;

-- Triggers run in the order of their names: these come before copy_vectors and forget_passages, which then look for spaces anew.
CREATE TRIGGER a_share_added AFTER INSERT ON passage REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION share_changed_passages();
CREATE TRIGGER a_share_gone AFTER DELETE ON passage REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION share_changed_passages();
