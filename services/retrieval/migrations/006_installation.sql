-- What one installation keeps for all of its processes, tenants or not.
CREATE TABLE installation (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  -- Signs page tokens where the operator sets no key: every process has to take those of the others. 244 random bits.
  page_token_key bytea NOT NULL
);
INSERT INTO installation (page_token_key)
  VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
GRANT SELECT ON installation TO quartet_retrieval;
