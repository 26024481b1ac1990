import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { ConfigError } from "@quartet/service";
import { parseConfig } from "./config.ts";

const linesOf = (environment: Record<string, string>): readonly string[] => {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
};

const databaseUrl = "postgresql://me:canary-password@db.internal:5432/quartet";
const elasticsearchUrl = "https://me:canary-password@search.internal:9200";

describe("the configuration", () => {
  it("needs nothing", () => {
    expect(parseConfig({})).toMatchObject({
      dataDir: ".quartet",
      databaseUrl: undefined,
      elasticsearchUrl: undefined,
      legTimeLimitMs: 2_000,
      port: 50_052,
      host: "127.0.0.1",
    });
  });

  it("reads what is set, and names what is wrong", () => {
    const environment = {
      QUARTET_DATA_DIR: "/data",
      QUARTET_RETRIEVAL_LEG_TIMEOUT: "500ms",
      QUARTET_RETRIEVAL_PORT: "0",
    };
    expect(parseConfig(environment)).toMatchObject({ dataDir: "/data", legTimeLimitMs: 500, port: 0 });
    expect(() => parseConfig({ QUARTET_RETRIEVAL_LEG_TIMEOUT: "soon" })).toThrow(ConfigError);
  });

  it("reads where genuine stores are, and shows no password", () => {
    const config = parseConfig({ DATABASE_URL: databaseUrl, ELASTICSEARCH_URL: elasticsearchUrl });
    expect(config.databaseUrl!.reveal()).toBe(databaseUrl);
    expect(config.elasticsearchUrl!.reveal()).toBe(elasticsearchUrl);
    expect(inspect(config) + JSON.stringify(config)).not.toContain("canary");
  });

  it("reads what reranks, and shows no key", () => {
    const url = "https://rerank.example/v1/rerank";
    const environment = { QUARTET_RERANKER: "http", QUARTET_RERANK_URL: url, QUARTET_RERANK_FORM: "jina" };
    const config = parseConfig({ ...environment, QUARTET_RERANK_API_KEY: "sk-canary" });
    expect(config).toMatchObject({ reranker: "http", rerankUrl: url, rerankCandidates: 32, rerankTimeLimitMs: 1_000 });
    expect(config.rerankApiKey!.reveal()).toBe("sk-canary");
    expect(inspect(config) + JSON.stringify(config)).not.toContain("canary");
    expect(parseConfig({})).toMatchObject({ reranker: "builtin", rerankForm: "cohere", rerankModel: "" });
  });

  it.each([
    [{ QUARTET_RERANKER: "http" }, "QUARTET_RERANK_URL: is not set"],
    [{ QUARTET_RERANK_URL: "https://me:canary@rerank.example/" }, "QUARTET_RERANK_URL: holds a user or password."],
    [{ QUARTET_RERANK_URL: "https://:canary@rerank.example/" }, "QUARTET_RERANK_URL: holds a user or password."],
    [{ QUARTET_RERANKER: "http", QUARTET_RERANK_URL: "https://rerank.example/" }, "QUARTET_RERANK_MODEL: is not set"],
    [{ DATABASE_URL: databaseUrl }, "ELASTICSEARCH_URL: is not set, and DATABASE_URL is."],
    [{ ELASTICSEARCH_URL: elasticsearchUrl }, "DATABASE_URL: is not set, and ELASTICSEARCH_URL is."],
    [
      { DATABASE_URL: databaseUrl, ELASTICSEARCH_URL: "canary:9200" },
      "ELASTICSEARCH_URL: is no address of Elasticsearch.",
    ],
    [
      { DATABASE_URL: "mysql://canary/x", ELASTICSEARCH_URL: elasticsearchUrl },
      "DATABASE_URL: is no address of a database.",
    ],
    [
      { DATABASE_URL: databaseUrl, ELASTICSEARCH_URL: elasticsearchUrl, QUARTET_ELASTICSEARCH_API_KEY: "canary" },
      "QUARTET_ELASTICSEARCH_API_KEY: ELASTICSEARCH_URL names a user already.",
    ],
  ])("says in one line what is wrong (%#)", (environment, line) => {
    const lines = linesOf(environment);
    expect(lines).toEqual([expect.stringContaining(line)]);
    expect(lines.join()).not.toContain("canary");
  });
});
