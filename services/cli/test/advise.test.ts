import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
beforeAll(async () => void (gateway = await startFakeGateway()));
afterAll(() => gateway.close());
afterEach(() => void (gateway.isEmbedded = false));

const run = (...args: string[]) =>
  runQuartet(["advise", ...args], { env: { QUARTET_SERVER: gateway.url, QUARTET_TOKEN: gateway.token } });

describe("quartet advise", () => {
  it("shows what to run, what it saves, and the beginnings of both plans", async () => {
    const { code, stdout } = await run("--statements", "20");
    expect(code).toBe(0);
    expect(stdout).toContain("1. CREATE INDEX CONCURRENTLY by_customer ON purchase (customer);\n");
    expect(stdout).toContain("   SELECT id FROM purchase WHERE customer = $1\n");
    expect(stdout).toMatch(/before +64\.0 ms {2}█{30}\n/);
    expect(stdout).toMatch(
      /after +0\.04 ms {2}▏ {2}1,600 times faster, 7 calls seen, index of 1\.8 MiB, tried on 25 % of the rows\n/,
    );
    expect(stdout).toContain("before │ ... (1 more lines with --plans)");
    expect(stdout).toContain("-  SELECT 1\n   1000 ms, 3 calls. One of 20.\n");
    expect(stdout).toMatch(/1 of 2 statements can be faster .*by its own timings\)\. Nothing was changed\.\n$/);
    expect(stdout).not.toContain("\u001b[2J");
  });

  it("shows whole plans where that is asked for, and all of it as JSON", async () => {
    expect((await run("--plans")).stdout).toContain("before │ c\n");
    const { advice, source } = JSON.parse((await run("--json")).stdout) as { advice: unknown[]; source: string };
    expect([advice.length, source]).toEqual([1, "STATEMENT_SOURCE_SERVICE"]);
  });

  it("says in a line that there is no PostgreSQL", async () => {
    gateway.isEmbedded = true;
    const { code, stdout, stderr } = await run();
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("There is no PostgreSQL here to advise on");
  });
});
