import { afterEach, describe, expect, it } from "@jest/globals";
import { type Running, startNode, temporaryFolder } from "../src/processes.ts";

/** What `npm start` does once packages are installed. */
const start = (dataDir: string) =>
  startNode(["deploy/local/start.mjs"], { QUARTET_PORT: "0", QUARTET_DATA_DIR: dataDir });

/** The exit code; of a process that does not end, what it has written. */
const codeOf = ({ stdout, stderr }: Running, ended: Promise<number | undefined>) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const limit = setTimeout(() => resolve(`still up:\n${stdout()}\n${stderr()}`), 60_000);
  return Promise.race([ended, promise]).finally(() => clearTimeout(limit));
};

describe("npm start", () => {
  const running = new Set<Running>();
  const begin = (dataDir: string) => {
    const process = start(dataDir);
    running.add(process);
    return process;
  };
  afterEach(async () => {
    for (const process of running) await process.kill();
    running.clear();
  });

  it("answers a first question with citations, in both languages, and ends with 0 on Ctrl-C", async () => {
    await using data = await temporaryFolder();
    const first = begin(data.path);
    await first.waitFor(/Ctrl-C stops it/, { timeoutMs: 60_000 });
    expect(first.stdout()).toMatch(/without one it is 30 seconds\. \[\d+\]/);
    expect(first.stdout()).toMatch(/문서에 답이 없으면 지어내지 않고 없다고 말합니다\. \[\d+\]/);
    expect(await first.stop("SIGINT")).toBe(0);

    const second = begin(data.path);
    await second.waitFor(/Ctrl-C stops it/);
    expect(second.stdout()).toMatch(/without one it is 30 seconds/);
    expect(second.stdout() + second.stderr()).not.toMatch(/documents in/);
    expect(await second.stop("SIGINT")).toBe(0);
  }, 120_000);

  it("refuses a data folder that another process uses, and says so", async () => {
    await using data = await temporaryFolder();
    const first = begin(data.path);
    await first.waitFor(/Ctrl-C stops it/, { timeoutMs: 60_000 });
    const second = begin(data.path);
    expect(await codeOf(second, second.ended)).toBe(1);
    expect(second.stderr()).toMatch(/in use|another process|locked/i);
    expect(await codeOf(first, first.stop())).toBe(0);
    // More than the three waits together, so that the one that fails says why.
  }, 240_000);
});
