import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
beforeAll(async () => void (gateway = await startFakeGateway()));
afterAll(() => gateway.close());
beforeEach(() => void (gateway.missing = []));

const run = (...args: string[]) =>
  runQuartet(["budget", ...args], { env: { QUARTET_SERVER: gateway.url, QUARTET_TOKEN: gateway.token } });

const dollars = (units: bigint, nanos = 0) => ({ currencyCode: "USD", units, nanos });
const december = { seconds: BigInt(Date.UTC(2026, 11) / 1_000) };

describe("quartet budget", () => {
  it("shows what may be spent and what was, of all and of the caller's tenant", async () => {
    gateway.budgets = [
      {
        ...{ scope: "platform", limit: dollars(1_000n), spent: dollars(612n, 400_000_000) },
        ...{ reserved: dollars(0n, 120_000_000), resetTime: december },
      },
      { scope: "tenant", spent: dollars(0n, 1_200_000), reserved: dollars(0n), resetTime: december },
    ];
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/platform +1000\.00 USD +612\.40 USD +61 % +0\.12 USD +2026-12-01 UTC\n/);
    expect(stdout).toMatch(/this tenant +none +0\.0012 USD +0\.00 USD +2026-12-01 UTC\n/);
    expect(JSON.parse((await run("--json")).stdout)).toMatchObject({
      budgets: [{ scope: "platform", spent: { units: "612", nanos: 400_000_000 } }, { scope: "tenant" }],
      missing: [],
    });
  });

  it("says where nothing is counted, and fails where a replica did not tell", async () => {
    gateway.budgets = [];
    expect(await run()).toMatchObject({ code: 0, stderr: expect.stringContaining("QUARTET_PRICES") });
    gateway.missing = ["generation"];
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining("generation: 1 of 2 replicas") });
  });
});
