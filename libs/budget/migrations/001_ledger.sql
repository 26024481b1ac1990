-- What calls to models cost. The service's role owns nothing, sees the rows of the tenant that its transaction names in quartet.tenant and the
-- sum of all, and writes through a function alone, which only adds.

-- By day of UTC. Tokens of input hold the cached ones; money is in billionths of a US dollar.
CREATE TABLE spending (
  tenant text COLLATE "C" NOT NULL CHECK (tenant <> ''),
  day date NOT NULL,
  service text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  call_count bigint NOT NULL,
  input_token_count bigint NOT NULL,
  cached_input_token_count bigint NOT NULL,
  output_token_count bigint NOT NULL,
  cost_nanos bigint NOT NULL CHECK (cost_nanos >= 0),
  PRIMARY KEY (tenant, day, service, model)
);

-- The same by month, for each tenant and, under the name of none, for all.
CREATE TABLE month_total (
  month text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  cost_nanos bigint NOT NULL CHECK (cost_nanos >= 0),
  PRIMARY KEY (month, tenant)
);

-- What was recorded, so that a second attempt whose first one was not heard of changes nothing.
CREATE TABLE recorded_batch (
  id uuid PRIMARY KEY,
  create_time timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX recorded_batch_by_time ON recorded_batch (create_time);

ALTER TABLE spending ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE month_total ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE recorded_batch ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The owner is the operator, and runs the function below.
CREATE POLICY owner ON spending TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner ON month_total TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner ON recorded_batch TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE POLICY own_rows ON spending FOR SELECT TO quartet_ledger USING (tenant = current_setting('quartet.tenant', true));
CREATE POLICY own_rows_and_sum ON month_total FOR SELECT TO quartet_ledger
  USING (tenant IN ('', current_setting('quartet.tenant', true)));

-- Adds a batch, of whichever tenants, once; gives the totals of the months and tenants in it, and of all.
-- The row of all tenants comes first, so that two batches wait for each other at once or not at all.
CREATE FUNCTION record_spending(batch uuid, entries jsonb)
  RETURNS TABLE (total_month text, total_tenant text, total_nanos bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = quartet_ledger, pg_temp
  AS $$
  DECLARE
    is_new boolean;
  BEGIN
    DELETE FROM recorded_batch WHERE create_time < now() - interval '1 day';
    INSERT INTO recorded_batch (id) VALUES (batch) ON CONFLICT DO NOTHING;
    is_new := FOUND;

    RETURN QUERY
      INSERT INTO month_total AS t (month, tenant, cost_nanos)
        SELECT left(e.day, 7), scope.name, CASE WHEN is_new THEN sum(e.cost_nanos) ELSE 0 END
          FROM jsonb_to_recordset(entries) AS e (tenant text, day text, cost_nanos bigint),
            LATERAL unnest(ARRAY['', e.tenant]) AS scope (name)
          GROUP BY left(e.day, 7), scope.name ORDER BY left(e.day, 7), scope.name COLLATE "C"
        ON CONFLICT (month, tenant) DO UPDATE SET cost_nanos = t.cost_nanos + excluded.cost_nanos
        RETURNING t.month, t.tenant, t.cost_nanos;

    IF is_new THEN
      INSERT INTO spending AS s
        SELECT tenant, day::date, service, model, call_count, input_token_count, cached_input_token_count, output_token_count, e.cost_nanos
          FROM jsonb_to_recordset(entries) AS e (tenant text, day text, service text, model text, call_count bigint,
            input_token_count bigint, cached_input_token_count bigint, output_token_count bigint, cost_nanos bigint)
        ON CONFLICT (tenant, day, service, model) DO UPDATE SET
          call_count = s.call_count + excluded.call_count,
          input_token_count = s.input_token_count + excluded.input_token_count,
          cached_input_token_count = s.cached_input_token_count + excluded.cached_input_token_count,
          output_token_count = s.output_token_count + excluded.output_token_count,
          cost_nanos = s.cost_nanos + excluded.cost_nanos;
    END IF;
  END
  $$;

REVOKE ALL ON FUNCTION record_spending(uuid, jsonb) FROM PUBLIC;

GRANT USAGE ON SCHEMA quartet_ledger TO quartet_ledger;
GRANT SELECT ON migration, spending, month_total TO quartet_ledger;
GRANT EXECUTE ON FUNCTION record_spending(uuid, jsonb) TO quartet_ledger;
