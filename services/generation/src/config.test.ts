import { describe, expect, it } from "@jest/globals";
import { ConfigError } from "@quartet/service";
import { parseConfig, usesModel } from "./config.ts";

const mistakesOf = (environment: Record<string, string>): readonly string[] => {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
  }
  return [];
};

describe("the configuration", () => {
  it("quotes sentences when nothing is set", () => {
    const config = parseConfig({});
    expect(usesModel(config)).toBe(false);
    expect(config).toMatchObject({ port: 50_054, host: "127.0.0.1", fallback: "extractive" });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it.each<[Record<string, string>, boolean]>([
    [{ OPENAI_API_KEY: "sk-1" }, true],
    [{ OPENAI_API_KEY_2: "sk-2" }, true],
    [{ OPENAI_BASE_URL: "http://127.0.0.1:1/v1" }, true],
    [{ OPENAI_BASE_URL: "http://127.0.0.1:1/v1", QUARTET_ANSWERER: "extractive" }, false],
    [{ OPENAI_API_KEY: "sk-1", QUARTET_ANSWERER: "openai" }, true],
  ])("uses a model where a provider is set, unless told otherwise: %j", (environment, expected) => {
    expect(usesModel(parseConfig(environment))).toBe(expected);
  });

  it("refuses a budget that could not be held: without the prices of the models it names, or a place for what was spent", () => {
    const budget = { OPENAI_API_KEY: "sk-1", QUARTET_BUDGET_PLATFORM: "1000" };
    const QUARTET_PRICES = "gpt-4o-mini input=0.15 output=0.60";
    expect(mistakesOf(budget)).toEqual([expect.stringMatching(/^QUARTET_PRICES: .*gpt-4o-mini.*GENERATION_MODEL/)]);
    expect(mistakesOf({ ...budget, QUARTET_PRICES })).toEqual([]);
    expect(mistakesOf({ ...budget, QUARTET_PRICES, QUARTET_RELAY_MODELS: "gpt-4o" })).toEqual([
      expect.stringMatching(/^QUARTET_PRICES: has no price for gpt-4o \(QUARTET_RELAY_MODELS\)/),
    ]);
    expect(mistakesOf({ ...budget, QUARTET_PRICES, QUARTET_DATA_DIR: ":memory:" })).toEqual([
      expect.stringMatching(/^QUARTET_DATA_DIR: /),
    ]);
    expect(mistakesOf({ QUARTET_BUDGET_PLATFORM: "1000" })).toEqual([]);
  });

  it("reads what users know from elsewhere", () => {
    const { connections, apiKeys, baseUrl, firstTokenTimeoutMs } = parseConfig({
      OPENAI_CONNECTION_POOL_SIZE: "5",
      OPENAI_API_KEY_1: "sk-1",
      OPENAI_API_KEY_2: "sk-2",
      OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
      QUARTET_GENERATION_FIRST_TOKEN_TIMEOUT: "2s",
    });
    expect({ connections, baseUrl, firstTokenTimeoutMs }).toEqual({
      connections: 5,
      baseUrl: "http://127.0.0.1:1/v1",
      firstTokenTimeoutMs: 2_000,
    });
    expect(apiKeys.map(({ secret }) => secret.reveal())).toEqual(["sk-1", "sk-2"]);
  });

  it("says in one line what is wrong", () => {
    expect(mistakesOf({ QUARTET_ANSWERER: "openai" })).toEqual([
      expect.stringMatching(/^QUARTET_ANSWERER: openai needs/),
    ]);
    expect(
      mistakesOf({
        QUARTET_GENERATION_TEMPERATURE: "99",
        QUARTET_GENERATION_MAX_TOKENS: "1e9",
        QUARTET_GENERATION_MODEL: "a b",
      }),
    ).toHaveLength(3);
  });
});
