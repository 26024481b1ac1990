import { describe, expect, it } from "@jest/globals";
import { ConfigError } from "@quartet/service";
import { parseConfig } from "./config.ts";

describe("the configuration", () => {
  it("needs nothing", () => {
    expect(parseConfig({})).toMatchObject({
      dataDir: ".quartet",
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
});
