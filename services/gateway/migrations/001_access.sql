-- Who may call the gateway: tenants and their access tokens. The service's role owns nothing, sees the rows of the tenant that its
-- transaction names in quartet.tenant, and never reads a hash: who calls, before a tenant is known, is asked through a function.

CREATE TABLE tenant (
  name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  create_time_ms bigint NOT NULL,
  -- While it is set, no token of the tenant lets anybody in.
  disable_time_ms bigint
);

CREATE TABLE access_token (
  id text COLLATE "C" PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL REFERENCES tenant (name),
  label text NOT NULL,
  roles text[] NOT NULL CHECK (roles <@ ARRAY['read', 'write', 'admin'] AND cardinality(roles) > 0),
  -- SHA-256 of the secret, which is kept nowhere.
  secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
  create_time_ms bigint NOT NULL,
  expire_time_ms bigint,
  revoke_time_ms bigint
);
CREATE INDEX access_token_by_tenant ON access_token (tenant, create_time_ms DESC, id DESC);

ALTER TABLE tenant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE access_token ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The owner is the operator, and runs the functions below.
CREATE POLICY owner ON tenant TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner ON access_token TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE POLICY own_rows ON access_token TO quartet_gateway
  USING (tenant = current_setting('quartet.tenant', true))
  WITH CHECK (tenant = current_setting('quartet.tenant', true));

-- A credential that may be let in, whoever's it is.
CREATE FUNCTION find_credential(wanted text)
  RETURNS TABLE (tenant text, roles text[], secret_hash bytea, expire_time_ms bigint)
  LANGUAGE sql STABLE SECURITY DEFINER
  BEGIN ATOMIC
    SELECT t.tenant, t.roles, t.secret_hash, t.expire_time_ms
      FROM access_token t JOIN tenant n ON n.name = t.tenant
      WHERE t.id = wanted AND t.revoke_time_ms IS NULL AND n.disable_time_ms IS NULL;
  END;

-- Everybody there is to work for.
CREATE FUNCTION enabled_tenants() RETURNS SETOF text
  LANGUAGE sql STABLE SECURITY DEFINER
  BEGIN ATOMIC
    SELECT name FROM tenant WHERE disable_time_ms IS NULL ORDER BY name;
  END;

REVOKE ALL ON FUNCTION find_credential(text), enabled_tenants() FROM PUBLIC;

GRANT USAGE ON SCHEMA quartet_gateway TO quartet_gateway;
GRANT SELECT ON migration TO quartet_gateway;
GRANT EXECUTE ON FUNCTION find_credential(text), enabled_tenants() TO quartet_gateway;
GRANT SELECT (id, tenant, label, roles, create_time_ms, expire_time_ms, revoke_time_ms) ON access_token TO quartet_gateway;
GRANT INSERT ON access_token TO quartet_gateway;
GRANT UPDATE (revoke_time_ms) ON access_token TO quartet_gateway;
