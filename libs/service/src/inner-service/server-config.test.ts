import { describe, expect, it } from "@jest/globals";
import { ConfigError, parseEnv } from "../config/parse-env.ts";
import { checkReach, serverVariables } from "./server-config.ts";

const config = (environment: Record<string, string>) =>
  parseEnv(serverVariables({ service: "embedding", port: 50_051 }), environment);

describe("checkReach", () => {
  it.each(["0.0.0.0", "10.1.2.3", "embedding", "::"])("asks who may call a service that listens on %s", (host) => {
    const mistake = /^QUARTET_HOST: .* QUARTET_TRUST_NETWORK=true/;
    expect(() => checkReach(config({ QUARTET_HOST: host }))).toThrow(ConfigError);
    expect(() => checkReach(config({ QUARTET_HOST: host }))).toThrow(mistake);
  });

  it.each([
    {},
    { QUARTET_HOST: "localhost" },
    { QUARTET_HOST: "0.0.0.0", QUARTET_TRUST_NETWORK: "true" },
    { QUARTET_HOST: "0.0.0.0", QUARTET_TLS_AUTHORITY: "/etc/quartet/authority.pem" },
  ])("lets %j be", (environment) => {
    expect(() => checkReach(config(environment))).not.toThrow();
  });
});
