-- Which indexes of the search engine follow the record: one row, written by whoever makes an index.
CREATE TABLE projection (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  indexes text[] NOT NULL
);
INSERT INTO projection (indexes) VALUES ('{}');

-- Changes of one document are carried together.
CREATE INDEX outbox_by_document ON outbox (tenant, document_id);
-- The oldest change of a collection that is still waiting. A document that moves changes two.
CREATE INDEX outbox_by_collection ON outbox ((collection_ids[1]), (record_seqs[1]));
CREATE INDEX outbox_by_second_collection ON outbox ((collection_ids[2]), (record_seqs[2])) WHERE cardinality(collection_ids) > 1;
ALTER TABLE outbox ADD CHECK (cardinality(collection_ids) IN (1, 2) AND cardinality(record_seqs) = cardinality(collection_ids));

ALTER TABLE projection ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY every ON projection TO quartet_projector USING (true);
GRANT SELECT, UPDATE ON projection TO quartet_projector;
