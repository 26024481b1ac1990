import { describe, expect, it } from "@jest/globals";
import { ConfigError, parseEnv } from "../config/parse-env.ts";
import { checkDatabaseUrl, databaseVariables } from "./database-config.ts";

const check = (environment: Record<string, string>) => checkDatabaseUrl(parseEnv(databaseVariables, environment));

describe("checkDatabaseUrl", () => {
  it.each(["postgres://a:b@host/db", "postgresql://host:5432/db?sslmode=verify-full"])("takes %s", (url) => {
    expect(() => check({ DATABASE_URL: url })).not.toThrow();
  });

  it("takes none", () => {
    expect(() => check({})).not.toThrow();
  });

  it.each(["host/db", "mysql://a:hunter2@host/db", "postgres://a:hunter2@host"])(
    "refuses %s without showing it",
    (url) => {
      expect(() => check({ DATABASE_URL: url })).toThrow(ConfigError);
      expect(() => check({ DATABASE_URL: url })).toThrow(/^(?!.*hunter2)DATABASE_URL: /);
    },
  );
});
