import { ConfigError } from "@quartet/service";
import { describe, expect, it } from "@jest/globals";
import { parseConfig } from "./config.ts";

describe("the gateway's configuration", () => {
  it("needs nothing, lets no foreign page in, and listens to this machine only", () => {
    const config = parseConfig({});
    expect(config).toMatchObject({ port: 8080, host: "127.0.0.1", corsOrigins: [], ragDisabled: false });
    expect(config.retrievalAddress).toBe("127.0.0.1:50052");
  });

  it("takes several addresses, targets, and the switches users know", () => {
    const config = parseConfig({
      QUARTET_RETRIEVAL_ADDRESS: "10.0.0.1:50052,10.0.0.2:50052",
      QUARTET_GENERATION_ADDRESS: "dns:///generation:50054",
      RAG_DISABLED: "true",
      QUARTET_EMBED_TIMEOUT: "250ms",
    });
    expect(config).toMatchObject({ ragDisabled: true, embedTimeoutMs: 250 });
    expect(config.generationAddress).toBe("dns:///generation:50054");
  });

  it("names every mistake at once", () => {
    const mistaken = {
      QUARTET_PORT: "80800",
      QUARTET_EMBEDDING_ADDRESS: "no spaces allowed",
      QUARTET_MAX_IN_FLIGHT: "0",
    };
    const names = (() => {
      try {
        parseConfig(mistaken);
      } catch (error) {
        return error instanceof ConfigError ? error.mistakes.map((line) => line.split(":")[0]) : [];
      }
      return [];
    })();
    expect(names.toSorted()).toEqual(Object.keys(mistaken).toSorted());
  });

  it("lets nobody in by tokens that are kept nowhere", () => {
    expect(() => parseConfig({ QUARTET_AUTHENTICATION: "tokens" })).toThrow(/^QUARTET_AUTHENTICATION: .* DATABASE_URL/);
    const database = { DATABASE_URL: "postgresql://quartet:hunter2@db/quartet" };
    const config = parseConfig({ QUARTET_AUTHENTICATION: "tokens", ...database });
    expect([config.authentication, JSON.stringify(config).includes("hunter2")]).toEqual(["tokens", false]);
  });
});
