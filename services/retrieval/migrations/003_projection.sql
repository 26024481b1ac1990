-- Which indexes of the search engine follow the record: one row, written by whoever builds an index anew.
CREATE TABLE projection (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  indexes text[] NOT NULL
);
INSERT INTO projection (indexes) VALUES ('{}');

-- Changes of one document are carried together.
CREATE INDEX outbox_by_document ON outbox (tenant, document_id);

ALTER TABLE projection ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY every ON projection TO quartet_projector USING (true);
GRANT SELECT, UPDATE ON projection TO quartet_projector;
