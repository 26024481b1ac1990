import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { KeyState } from "@quartet/contracts/type/v1/stats";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
beforeAll(async () => void (gateway = await startFakeGateway()));
afterAll(() => gateway.close());
beforeEach(() => void (gateway.missing = []));

const run = (...args: string[]) =>
  runQuartet(["keys", ...args], { env: { QUARTET_SERVER: gateway.url, QUARTET_TOKEN: gateway.token } });

const ready = () => ({
  ...{ pool: "generation", label: "key-1", state: KeyState.READY, callCount: 140n, callShare: 0.7, errorCount: 1n },
  ...{
    inputTokenCount: 98_000n,
    outputTokenCount: 12_000n,
    cost: { currencyCode: "USD", units: 1n, nanos: 254_000_000 },
  },
  ...{ remainingRequestCount: 59n, remainingTokenCount: 149_000n },
});
const resting = () => ({
  ...{ pool: "generation", label: "key-2", state: KeyState.RESTING, callCount: 60n, callShare: 0.3, restCount: 2n },
  ...{ restEndTime: timestampFromMs(Date.now() + 3_600_000), limitGroup: "group-1" },
  cost: { currencyCode: "USD", units: 0n, nanos: 1_200_000 },
});

describe("quartet keys", () => {
  it("shows each key by its label, and what is left of it", async () => {
    gateway.keys = [ready(), resting()];
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/generation +key-1 +ready +140 +70 % +1 +0 +98000 +12000 +1\.25 USD +59 +149000\n/);
    expect(stdout).toMatch(/generation +key-2 +resting +(60|59) min +60 +30 % +0 +2 +0 +0 +0\.0012 USD +group-1\n/);
    expect(JSON.parse((await run("--json")).stdout)).toMatchObject({
      keys: [{ label: "key-1", callCount: "140", remainingTokenCount: "149000" }, { state: "KEY_STATE_RESTING" }],
      missing: [],
    });
  });

  it("fails and says what to do where a key is out of quota or refused", async () => {
    gateway.keys = [
      { ...ready(), state: KeyState.EXHAUSTED },
      { ...ready(), label: "key-7", state: KeyState.REFUSED },
    ];
    const { code, stdout, stderr } = await run();
    expect([code, stdout]).toEqual([1, expect.stringMatching(/key-1 +out of quota .*\n.* key-7 +refused/)]);
    expect(stderr).toMatch(/key-1 of generation is out of quota: add credit.*\n.*key-7 of generation is refused/);
  });

  it("fails where a replica did not tell, and says so where nobody asks a provider", async () => {
    gateway.keys = [];
    expect(await run()).toMatchObject({ code: 0, stderr: expect.stringContaining("no keys in use") });
    gateway.missing = ["generation"];
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining("generation: 1 of 2 replicas") });
  });
});
