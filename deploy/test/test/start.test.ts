import { afterEach, describe, expect, it } from "@jest/globals";
import { type Running, startNode, temporaryFolder } from "../src/processes.ts";

/** What `npm start` does once packages are installed. */
const start = (dataDir: string) =>
  startNode(["deploy/local/start.mjs"], { QUARTET_PORT: "0", QUARTET_DATA_DIR: dataDir });

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
    expect(first.stdout()).toMatch(/What happens when the embedding service fails[\s\S]*keywords[\s\S]*\[1\]/);
    expect(first.stdout()).toMatch(/문서에 답이 없으면[\s\S]*\[1\]/);
    expect(await first.stop("SIGINT")).toBe(0);

    const second = begin(data.path);
    await second.waitFor(/Ctrl-C stops it/);
    expect(second.stdout()).toMatch(/\[1\]/);
    expect(second.stderr()).not.toMatch(/index/i);
    expect(await second.stop("SIGINT")).toBe(0);
  }, 120_000);

  it("refuses a data folder that another process uses, and says so", async () => {
    await using data = await temporaryFolder();
    const first = begin(data.path);
    await first.waitFor(/Ctrl-C stops it/, { timeoutMs: 60_000 });
    const second = begin(data.path);
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toMatch(/in use|another process|locked/i);
    await first.stop();
  }, 120_000);
});
