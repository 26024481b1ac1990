import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { CacheLevel } from "@quartet/contracts/type/v1/stats";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
let folder: string;
beforeAll(async () => {
  gateway = await startFakeGateway();
  folder = await mkdtemp(path.join(tmpdir(), "quartet-cache-"));
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) =>
  runQuartet(["cache", ...args], { env: { QUARTET_SERVER: gateway.url, QUARTET_TOKEN: gateway.token } });

describe("quartet cache stats", () => {
  it("shows each level, with its hit rate", async () => {
    const { code, stdout } = await run("stats");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/results +70 +70 % +28 +2 .* 25 +3\.0 MiB +60\.0 s/)]);
    expect(JSON.parse((await run("stats", "--json")).stdout)).toMatchObject({
      caches: [{ hitCount: "70" }],
      missing: [],
    });
  });
});

describe("quartet cache clear", () => {
  it("empties what is selected, and all without a word", async () => {
    const { code, stdout } = await run("clear", "--level", "results", "--level", "embeddings", "--pattern", "규정@*");
    expect([code, stdout]).toEqual([0, "12 entries removed.\n"]);
    expect((await run("clear", "--json")).stdout).toBe('{"removed":12,"missing":[]}\n');
    expect(gateway.cleared).toMatchObject([
      { levels: [CacheLevel.SEARCH_RESULTS, CacheLevel.EMBEDDINGS], keyPattern: "규정@*" },
      { levels: [], keyPattern: "" },
    ]);
    expect((await run("clear", "--level", "disks")).code).toBe(2);
  });

  it("fails and says so where a replica is to do it later", async () => {
    gateway.missing = ["retrieval"];
    const { code, stderr } = await run("clear");
    expect([code, stderr]).toEqual([1, expect.stringContaining("retrieval: 1 of 2")]);
    gateway.missing = [];
  });
});

describe("quartet cache warm", () => {
  const write = async (name: string, text: string) => {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  };

  it("takes the questions of a file, line by line or as JSON", async () => {
    const text = await write("questions.txt", "휴가는 며칠?\n\n  refunds  \r\n");
    expect((await run("warm", text)).stdout).toBe("2 questions warmed, 0 failed.\n");
    const jsonl = await write("queries.jsonl", '{"_id":"1","text":"셋"}\n{"query":"four"}\n');
    expect((await run("warm", jsonl)).stdout).toBe("2 questions warmed, 0 failed.\n");
    expect(gateway.warmed.splice(0)).toEqual(["휴가는 며칠?", "refunds", "셋", "four"]);
  });

  it("sends many in parts, and counts what failed", async () => {
    const questions = Array.from({ length: 600 }, (_, index) => (index % 200 === 7 ? "fails" : `question ${index}`));
    const { code, stdout } = await run("warm", await write("many.txt", questions.join("\n")), "--json");
    expect([code, stdout]).toEqual([1, '{"done":600,"failed":3,"total":600}\n']);
    expect(gateway.warmed.splice(0)).toEqual(questions);
  });

  it("takes the most frequent without a file", async () => {
    gateway.frequent = 30;
    expect((await run("warm", "--frequent", "50")).stdout).toBe("30 questions warmed, 0 failed.\n");
    gateway.frequent = 0;
    expect(await run("warm")).toMatchObject({ code: 4, stdout: "" });
  });

  it("says what is wrong with a file", async () => {
    expect((await run("warm", await write("empty.txt", "\n"))).code).toBe(4);
    const { code, stderr } = await run("warm", await write("bad.jsonl", '{"text":"a"}\nnot json\n'));
    expect([code, stderr]).toEqual([1, expect.stringContaining("bad.jsonl:2 is no JSON")]);
  });
});
