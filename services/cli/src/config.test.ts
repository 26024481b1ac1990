import { describe, expect, it } from "@jest/globals";
import { ConfigError, parseConfig } from "./config.ts";

describe("the environment", () => {
  it("has defaults, and an empty value is an absent one", () => {
    const config = parseConfig({ QUARTET_SERVER: "", OPENAI_API_KEY: "" }, "/srv");
    expect(config).toMatchObject({
      server: "http://127.0.0.1:8080",
      dataDir: "/srv/.quartet",
      port: 8080,
      modelKeys: [],
    });
  });

  it("finds the server where it is started", () => {
    expect(parseConfig({ QUARTET_PORT: "9000" }, "/").server).toBe("http://127.0.0.1:9000");
    expect(parseConfig({ QUARTET_PORT: "0" }, "/").server).toBe("http://127.0.0.1:8080");
    expect(parseConfig({ QUARTET_PORT: "9000", QUARTET_SERVER: "https://q.example" }, "/").server).toBe(
      "https://q.example",
    );
  });

  it("names keys by their variables, in the order of their numbers", () => {
    const environment = { OPENAI_API_KEY_10: "c", OPENAI_API_KEY_2: "b", OPENAI_API_KEY: "a", OPENAI_API_KEY_X: "no" };
    expect(parseConfig(environment, "/").modelKeys.map(({ variable }) => variable)).toEqual([
      "OPENAI_API_KEY",
      "OPENAI_API_KEY_2",
      "OPENAI_API_KEY_10",
    ]);
  });

  it.each([
    [{ QUARTET_SERVER: "localhost:8080" }, "QUARTET_SERVER"],
    [{ QUARTET_PORT: "80a" }, "QUARTET_PORT"],
    [{ QUARTET_PORT: "65536" }, "QUARTET_PORT"],
    [{ QUARTET_TOKEN: "qt_토큰_canary" }, "QUARTET_TOKEN"],
  ])("%j is a mistake that is named", (environment, name) => {
    expect(() => parseConfig(environment, "/")).toThrow(ConfigError);
    expect(() => parseConfig(environment, "/")).toThrow(name);
    expect(() => parseConfig(environment, "/")).not.toThrow("canary");
  });
});
