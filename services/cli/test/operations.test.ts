import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
beforeAll(async () => void (gateway = await startFakeGateway()));
afterAll(() => gateway.close());

const run = (args: string[], env: Record<string, string> = { QUARTET_TOKEN: gateway.token }) =>
  runQuartet(args, { env: { QUARTET_SERVER: gateway.url, ...env } });

describe("quartet tokens", () => {
  it("prints a new token alone, so that a script can take it", async () => {
    const args = ["tokens", "create", "--role", "read", "--role", "write", "--label", "야간", "--days", "2"];
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([0, "qt_token0_s3cret\n"]);
    expect(stderr).toContain("shown this once");
    expect(gateway.accessTokens[0]).toMatchObject({ label: "야간", roles: [1, 2] });
    expect(Number(gateway.accessTokens[0]?.expireTime?.seconds)).toBeGreaterThan(Date.now() / 1000);
  });

  it("lists and revokes them", async () => {
    expect((await run(["tokens", "list"])).stdout).toMatch(/^token0 +read,write +valid until .* 야간\n$/);
    expect((await run(["tokens", "revoke", "token0"])).stdout).toContain("revoked 1970-01-01");
    const listed = JSON.parse((await run(["tokens", "list", "--json"])).stdout) as { access_tokens: { id: string }[] };
    expect(listed.access_tokens.map(({ id }) => id)).toEqual(["token0"]);
    expect((await run(["tokens", "revoke", "token9"])).code).toBe(1);
  });

  it("says where to give a token when there is none, and never shows one", async () => {
    const none = await run(["tokens", "list"], {});
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("QUARTET_TOKEN")]);
    const wrong = await run(["tokens", "list", "--token", "qt_wrong_canary"], {});
    expect([wrong.code, wrong.stderr.includes("canary")]).toEqual([1, false]);
    expect((await run(["tokens", "list", "--token", gateway.token], {})).code).toBe(0);
  });

  it("of a tenant are the operator's, at the database", async () => {
    const { code, stdout, stderr } = await run(["tokens", "create", "--tenant", "acme"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("DATABASE_URL: is not set");
    const wrong = await run(["tokens", "disable", "--tenant", "A b"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--tenant: ")]);
  });

  it("refuses a role that there is not", async () => {
    expect((await run(["tokens", "create", "--role", "root"])).code).toBe(2);
  });
});

describe("quartet models", () => {
  it("tells wrong usage, of which its own program knows some, from a failure", async () => {
    const env = { QUARTET_MODELS_DIR: "/nonexistent/models" };
    const calls = [["bogus"], ["remove", "../x"], ["add", "folder", "--name", "두 낱말"], ["remove", "x"]];
    const ended = await Promise.all(calls.map((args) => run(["models", ...args], env)));
    expect(ended.map(({ code }) => code)).toEqual([2, 2, 2, 1]);
  }, 60_000);
});

describe("quartet status", () => {
  it("shows processes, pools and queues as tables", async () => {
    const { code, stdout } = await run(["status"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/retrieval +r-1 +0\.1\.0 +ready .*25 %/);
    expect(stdout).toMatch(/postgres +2 +10 +0/);
    expect(stdout).toMatch(/outbox +7 .*90\.0 s/);
    expect(stdout).toMatch(/summary +4 +650 ms +251 characters/);
    expect(stdout).toMatch(/prompt_tokens_saved +white_space +9 +1234/);
  });

  it("fails and says so when replicas are missing; --json has all of it", async () => {
    gateway.missing = ["embedding"];
    const { code, stderr } = await run(["status"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("embedding: 1 of 2 replicas")]);
    const { stdout } = await run(["status", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      instances: [{ service: "retrieval" }],
      queues: [{ waitingCount: "7" }],
    });
    gateway.missing = [];
  });
});

describe("quartet reindex", () => {
  it("says what was done, for people and scripts", async () => {
    expect((await run(["reindex"])).stdout).toMatch(/^The new index with 1000 documents is in use/);
    expect(JSON.parse((await run(["reindex", "--json"])).stdout)).toMatchObject({ documents: 1000 });
  });

  it("fails when the rebuild does", async () => {
    gateway.rebuildFailsAfter = 500;
    const { code, stdout } = await run(["reindex"]);
    expect([code, stdout]).toEqual([1, ""]);
  });

  it("tries refused texts again where it is told to, of all collections or one", async () => {
    gateway.refusedPassages = 3;
    const status = await run(["status"]);
    expect(status.stdout).toMatch(/passages_refused +규정 +3/);
    expect(status.stderr).toContain("`quartet reindex --retry-refused` tries them again");
    const { code, stdout } = await run(["reindex", "--retry-refused"]);
    expect([code, stdout]).toEqual([0, "3 passages are tried again.\n"]);
    expect((await run(["reindex", "--retry-refused"])).stdout).toBe("No passage is refused.\n");
    expect((await run(["status"])).stderr).not.toContain("refuse");
    gateway.refusedPassages = 1;
    const inOne = await run(["reindex", "--retry-refused", "--collection", "laws", "--json"]);
    expect(JSON.parse(inOne.stdout)).toEqual({ passages: 1 });
    const unknown = await run(["reindex", "--retry-refused", "--collection", "nowhere"]);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("There is no such collection")]);
    const alone = await run(["reindex", "--collection", "laws"]);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("--retry-refused")]);
  }, 60_000);
});
