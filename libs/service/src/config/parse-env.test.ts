import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { ConfigError, parseEnv, parseTogether } from "./parse-env.ts";
import { variable } from "./variable.ts";
import type { Environment } from "./reading.ts";

const variables = {
  port: variable.integer("QUARTET_PORT", { default: 8080, min: 0, max: 65_535, doc: "Port." }),
  share: variable.number("QUARTET_SHARE", { optional: true, min: 0, max: 1, doc: "Share." }),
  deadlineMs: variable.duration("QUARTET_DEADLINE", { default: 30_000, min: 100, doc: "Deadline." }),
  maxBytes: variable.bytes("QUARTET_MAX_BYTES", { default: 1024, max: 2 ** 20, doc: "Size." }),
  disabled: variable.flag("RAG_DISABLED", { default: false, doc: "Off." }),
  device: variable.choice("RAG_DEVICE", ["auto", "cpu", "cuda"], { default: "auto", doc: "Device." }),
  baseUrl: variable.url("OPENAI_BASE_URL", { optional: true, doc: "Endpoint." }),
  tags: variable.list("QUARTET_TAGS", { default: [], maxEntries: 3, doc: "Tags." }),
  space: variable.text("QUARTET_SPACE", {
    default: "a",
    pattern: /^[a-z]+$/,
    expected: "small letters",
    doc: "Space.",
  }),
  token: variable.secret("QUARTET_TOKEN", { doc: "Token." }),
  keys: variable.numberedSecrets("OPENAI_API_KEY", { maxEntries: 3, doc: "Keys." }),
};
const parse = (environment: Environment) => parseEnv(variables, { QUARTET_TOKEN: "t", ...environment });
const mistakesOf = (work: () => unknown): readonly string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
};

describe("parseEnv", () => {
  it("gives the defaults, and undefined for what is optional", () => {
    const { token, ...config } = parse({});
    expect(token.reveal()).toBe("t");
    expect(config).toEqual({
      port: 8080,
      share: undefined,
      deadlineMs: 30_000,
      maxBytes: 1024,
      disabled: false,
      device: "auto",
      baseUrl: undefined,
      tags: [],
      space: "a",
      keys: [],
    });
  });

  it("reads every kind of value, trimmed", () => {
    const config = parse({
      QUARTET_PORT: " 0 ",
      QUARTET_SHARE: "0.25",
      QUARTET_DEADLINE: "1.5s",
      QUARTET_MAX_BYTES: "64KiB",
      RAG_DISABLED: "TRUE",
      RAG_DEVICE: "cuda",
      OPENAI_BASE_URL: "http://localhost:9000/v1",
      QUARTET_TAGS: "가격, 정책,,",
    });
    expect(config).toMatchObject({
      port: 0,
      share: 0.25,
      deadlineMs: 1500,
      maxBytes: 65_536,
      disabled: true,
      device: "cuda",
      baseUrl: "http://localhost:9000/v1",
      tags: ["가격", "정책"],
    });
  });

  it("freezes the result", () => {
    const config = parse({ QUARTET_TAGS: "a" });
    expect(Object.isFrozen(config) && Object.isFrozen(config.tags) && Object.isFrozen(config.keys)).toBe(true);
  });

  it("treats an empty value as not set", () => {
    expect(parse({ QUARTET_PORT: "", OPENAI_BASE_URL: "  " })).toMatchObject({ port: 8080, baseUrl: undefined });
  });

  it("reports all mistakes at once, each with the name and what to do", () => {
    const mistakes = mistakesOf(() =>
      parseEnv(variables, {
        QUARTET_PORT: "80x",
        QUARTET_SHARE: "1.01",
        QUARTET_DEADLINE: "30",
        QUARTET_MAX_BYTES: "2MiB",
        RAG_DISABLED: "perhaps",
        RAG_DEVICE: "tpu",
        OPENAI_BASE_URL: "localhost:9000",
        QUARTET_TAGS: "a,b,c,d",
        QUARTET_SPACE: "A",
      }),
    );
    expect(mistakes).toEqual([
      'QUARTET_PORT: "80x" is not a whole number from 0 to 65535. Set it to one, or unset it.',
      'QUARTET_SHARE: "1.01" is not a number from 0 to 1. Set it to one, or unset it.',
      'QUARTET_DEADLINE: "30" is not a duration of at least 100ms, with its unit, as 500ms, 30s, 2m or 1h. Set it to one, or unset it.',
      'QUARTET_MAX_BYTES: "2MiB" is not a size of at most 1MiB, with its unit, as 64KiB or 16MiB. Set it to one, or unset it.',
      'RAG_DISABLED: "perhaps" is neither true nor false. Set it to one, or unset it.',
      'RAG_DEVICE: "tpu" is not one of auto, cpu, cuda. Set it to one, or unset it.',
      'OPENAI_BASE_URL: "localhost:9000" is not a URL starting with http:// or https://. Set it to one, or unset it.',
      "QUARTET_TAGS: has 4 entries. Keep it to 3.",
      'QUARTET_SPACE: "A" is not allowed. Set it to small letters, or unset it.',
      "QUARTET_TOKEN: is not set, and is required: secret.",
    ]);
  });

  it.each([
    ["QUARTET_PORT", "1e3"],
    ["QUARTET_PORT", "0x10"],
    ["QUARTET_PORT", "-1"],
    ["QUARTET_PORT", "65536"],
    ["QUARTET_PORT", "１２"],
    ["QUARTET_DEADLINE", "99ms"],
    ["QUARTET_DEADLINE", "1.0001ms"],
    ["RAG_DISABLED", "constructor"],
    ["OPENAI_BASE_URL", "ftp://host/"],
    ["OPENAI_BASE_URL", "http://"],
  ])("refuses %s=%s", (name, value) => {
    expect(mistakesOf(() => parse({ [name]: value }))).toHaveLength(1);
  });

  it("never prints a secret, nor what looks like a password in a URL", () => {
    const mistakes = mistakesOf(() =>
      parse({
        QUARTET_TOKEN: "sk-canary with space",
        OPENAI_API_KEY_2: "sk-canary\nline",
        OPENAI_BASE_URL: "ftp://user:sk-canary@host/",
        QUARTET_PORT: "sk-canary",
        RAG_DEVICE: "0123456789abcdef0123456789canary",
      }),
    );
    expect(mistakes).toHaveLength(5);
    expect(mistakes.join("\n")).not.toContain("0123456789abcdef");
    expect(mistakes.join("\n")).toMatch(/OPENAI_API_KEY_2: has a space/);
    expect(mistakes.join("\n")).not.toContain("sk-canary");
    const config = parse({ QUARTET_TOKEN: "sk-canary", OPENAI_API_KEY: "sk-canary" });
    const printed = [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true }), `${config.token}`];
    expect(printed.join("\n")).not.toContain("sk-canary");
  });

  it("reads numbered keys by their number, equal ones once", () => {
    const labels = (environment: Environment) =>
      parse(environment).keys.map(({ label, secret }) => `${label}=${secret.reveal()}`);
    expect(labels({ OPENAI_API_KEY: "a" })).toEqual(["key-1=a"]);
    expect(labels({ OPENAI_API_KEY_10: "c", OPENAI_API_KEY_2: "b", OPENAI_API_KEY_1: "a" })).toEqual([
      "key-1=a",
      "key-2=b",
      "key-10=c",
    ]);
    expect(labels({ OPENAI_API_KEY: "x", OPENAI_API_KEY_1: "a", OPENAI_API_KEY_3: "a" })).toEqual([
      "key-1=a",
      "key-0=x",
    ]);
    expect(labels({ OPENAI_API_KEY: "a", OPENAI_API_KEY_1: "a" })).toEqual(["key-1=a"]);
    expect(labels({ OPENAI_API_KEY_0: "a", OPENAI_API_KEY_X: "a", OPENAI_API_KEY_2: "" })).toEqual([]);
    const four = { OPENAI_API_KEY: "a", OPENAI_API_KEY_2: "b", OPENAI_API_KEY_3: "c", OPENAI_API_KEY_4: "d" };
    expect(mistakesOf(() => parse(four))).toEqual(["OPENAI_API_KEY: 4 values are set. Keep it to 3."]);
  });
});

describe("parseTogether", () => {
  it("gathers the mistakes of all parsers, each line once", () => {
    const port = { port: variables.port };
    const both = { port: variables.port, device: variables.device };
    const parsers = {
      one: (environment: Environment) => parseEnv(port, environment),
      two: (environment: Environment) => parseEnv(both, environment),
    };
    expect(parseTogether(parsers, { RAG_DEVICE: "cpu" })).toEqual({
      one: { port: 8080 },
      two: { port: 8080, device: "cpu" },
    });
    expect(mistakesOf(() => parseTogether(parsers, { QUARTET_PORT: "x", RAG_DEVICE: "x" }))).toHaveLength(2);
  });

  it("passes on what is not a mistake of the configuration", () => {
    const broken = () => {
      throw new TypeError("broken");
    };
    expect(() => parseTogether({ broken }, {})).toThrow(TypeError);
  });
});
