import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { modelsFolder, parseConfig, usesProvider } from "./config.ts";

const uses = (environment: Record<string, string>) => usesProvider(parseConfig(environment));

describe("parseConfig", () => {
  it("needs nothing, and then works without a model", () => {
    expect(parseConfig({})).toMatchObject({
      port: 50_051,
      host: "127.0.0.1",
      embedder: "auto",
      apiKeys: [],
      cacheEntries: 10_000,
    });
    expect(uses({})).toBe(false);
  });

  it("takes the model where a key or a base URL is set, unless told otherwise", () => {
    expect(uses({ OPENAI_API_KEY: "sk-1" })).toBe(true);
    expect(uses({ OPENAI_API_KEY_3: "sk-3" })).toBe(true);
    expect(uses({ OPENAI_BASE_URL: "http://localhost:11434/v1" })).toBe(true);
    for (const QUARTET_EMBEDDER of ["hashed", "local"])
      expect(uses({ OPENAI_API_KEY: "sk-1", QUARTET_EMBEDDER })).toBe(false);
  });

  it("refuses a budget without the price of its model", () => {
    const budget = { OPENAI_API_KEY: "sk-1", QUARTET_BUDGET_TENANT: "5" };
    expect(() => parseConfig(budget)).toThrow(/QUARTET_PRICES: has no price for text-embedding-3-small/);
    expect(() => parseConfig({ ...budget, QUARTET_PRICES: "text-embedding-3-small input=0.02" })).not.toThrow();
    expect(() => parseConfig({ QUARTET_BUDGET_TENANT: "5" })).not.toThrow();
  });

  it("looks for models in the data folder, unless told where, and nowhere if nothing is kept", () => {
    const folderOf = (environment: Record<string, string>) => modelsFolder(parseConfig(environment));
    expect(folderOf({})).toBe(path.join(".quartet", "models"));
    expect(folderOf({ QUARTET_DATA_DIR: "/data" })).toBe("/data/models");
    expect(folderOf({ QUARTET_DATA_DIR: ":memory:" })).toBeUndefined();
    expect(folderOf({ QUARTET_DATA_DIR: ":memory:", QUARTET_MODELS_DIR: "/models" })).toBe("/models");
  });

  it("refuses a model without a provider", () => {
    expect(() => parseConfig({ QUARTET_EMBEDDER: "openai" })).toThrow(
      /^QUARTET_EMBEDDER: .*OPENAI_API_KEY or OPENAI_BASE_URL/,
    );
  });

  it("reads the connection pool's size, and every key", () => {
    const { connections, apiKeys } = parseConfig({
      OPENAI_CONNECTION_POOL_SIZE: "7",
      OPENAI_API_KEY_2: "sk-b",
      OPENAI_API_KEY: "sk-a",
    });
    expect(connections).toBe(7);
    expect(Object.fromEntries(apiKeys.map(({ label, secret }) => [label, secret.reveal()]))).toEqual({
      "key-1": "sk-a",
      "key-2": "sk-b",
    });
  });

  it("names every mistake, and no key", () => {
    const environment = {
      OPENAI_API_KEY: "sk-canary with space",
      OPENAI_CONNECTION_POOL_SIZE: "0",
      QUARTET_EMBEDDING_DIMENSIONS: "4097",
    };
    const thrown = (() => {
      try {
        return parseConfig(environment);
      } catch (error) {
        return error as Error;
      }
    })();
    expect(String(thrown)).toMatch(/OPENAI_API_KEY/);
    expect(String(thrown)).toMatch(/OPENAI_CONNECTION_POOL_SIZE/);
    expect(String(thrown)).toMatch(/QUARTET_EMBEDDING_DIMENSIONS/);
    expect(String(thrown)).not.toContain("canary");
  });
});
