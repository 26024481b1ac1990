import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { runNode, temporaryFolder } from "../src/processes.ts";

const started = /^(DATABASE_URL=postgresql:\/\/\S+|REDIS_URL=redis:\/\/\S+)$/;

/** Redis and PostgreSQL are there in a second or two; Elasticsearch comes up the same way, and every suite on it shows that. */
const quick = ["postgres", "redis"];

// Where `npm test` could start them, their programs are unpacked, and nothing is fetched here.
describeWithStores("npm run stores", ["postgres", "redis"], () => {
  let data: Awaited<ReturnType<typeof temporaryFolder>>;
  const stores = (command: string, names = quick) =>
    runNode(["deploy/local/stores.mjs", command, ...names, "--fast"], { QUARTET_STORES_DIR: data.path });
  const processesOf = (stdout: string) => [...stdout.matchAll(/pid (\d+)/g)].map(([, pid]) => pid!);
  /** One that has ended is listed, without a command, until the system's first process takes note. */
  const isThere = (pid: string) => {
    const command = path.join("/proc", pid, "cmdline");
    return existsSync(command) && readFileSync(command, "utf8") !== "";
  };

  beforeAll(async () => {
    data = await temporaryFolder();
  });
  afterAll(async () => {
    await stores("wipe");
    await data[Symbol.asyncDispose]();
  }, 60_000);

  it("starts, is found by a second start, keeps addresses over a stop, and leaves no process", async () => {
    expect((await stores("status")).code).toBe(3);

    const first = await stores("start");
    expect(first.stderr).toMatch(/PostgreSQL .* is up/);
    const lines = first.stdout.trim().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(started);

    const second = await stores("start");
    expect(second).toMatchObject({ code: 0, stdout: first.stdout, stderr: "" });

    const status = await stores("status");
    expect(status.code).toBe(0);
    const processes = processesOf(status.stdout);
    expect(processes).toHaveLength(2);
    expect(processes.every(isThere)).toBe(true);

    expect((await stores("stop")).code).toBe(0);
    expect(processes.some(isThere)).toBe(false);
    expect((await stores("status")).stdout).toMatch(/postgres +down\nredis +down/);

    const again = await stores("start");
    expect(again.stdout).toBe(first.stdout);
    expect((await stores("wipe")).code).toBe(0);
    expect(existsSync(path.join(data.path, "postgres"))).toBe(false);
  }, 180_000);

  it("waits for another start of the same store, which then is one store", async () => {
    const both = await Promise.all([stores("start", ["redis"]), stores("start", ["redis"])]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both[0].stdout).toBe(both[1].stdout);
    expect(both.filter(({ stderr }) => stderr.includes("is up"))).toHaveLength(1);
    await stores("wipe", ["redis"]);
  }, 60_000);

  it("starts anew one that was killed, at the same address", async () => {
    const { stdout } = await stores("start", ["redis"]);
    const [pid] = processesOf((await stores("status", ["redis"])).stdout);
    process.kill(Number(pid), "SIGKILL");
    const again = await stores("start", ["redis"]);
    expect(again).toMatchObject({ code: 0, stdout });
    const [newPid] = processesOf((await stores("status", ["redis"])).stdout);
    expect(newPid).not.toBe(pid);
    await stores("wipe", ["redis"]);
  }, 60_000);
});

describe("npm run stores, where something is missing", () => {
  /** A PATH with nothing on it. */
  const bare = { PATH: "/nonexistent", JAVA_HOME: "" };
  const missingFor = (module: string, name: string) =>
    runNode(
      [
        "--input-type=module",
        "--eval",
        `import { ${name} } from "./deploy/local/stores/${module}"; console.log(${name}())`,
      ],
      bare,
    );

  it("names the JDK", async () => {
    const { code, stdout, stderr } = await runNode(["deploy/local/stores.mjs", "start", "elasticsearch"], bare);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("A JDK of version 21 or newer is missing: install one");
  });

  it("names Maven and Python, each with how to get it", async () => {
    const maven = await missingFor("elasticsearch.mjs", "missingForEngine");
    expect(maven.stdout).toContain("Maven is missing: install it");
    const python = await missingFor("wheel.mjs", "missingForWheels");
    expect(python.stdout).toContain("Python 3 with pip is missing: install it");
  });

  it("says how to call it", async () => {
    for (const args of [[], ["begin"], ["start", "mysql"]]) {
      const { code, stderr } = await runNode(["deploy/local/stores.mjs", ...args]);
      expect(code).toBe(1);
      expect(stderr).toContain("usage: npm run stores start|stop|status|wipe");
    }
  });
});
