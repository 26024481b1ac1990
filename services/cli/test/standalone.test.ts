import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { until } from "@quartet/testing";
import { runQuartet, startQuartet } from "./run-quartet.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "quartet-cli-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("quartet start", () => {
  it("runs a server that the other commands use, and drains at Ctrl-C", async () => {
    const server = startQuartet(["start", "--port", "0", "--data-dir", "data"], { cwd: folder });
    await until(() => server.output.stdout.includes("listening on"), { limitMs: 40_000 });
    const QUARTET_SERVER = /listening on (\S+)/.exec(server.output.stdout)?.[1] ?? "";
    const quartet = (...args: string[]) => runQuartet(args, { cwd: folder, env: { QUARTET_SERVER } });

    await writeFile(
      path.join(folder, "휴가.md"),
      "# 휴가 규정\n\n연차 휴가는 1년에 15일입니다. 병가는 60일까지 쓸 수 있습니다.",
    );
    expect(await quartet("index", "휴가.md", "--wait")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("1 created"),
    });
    expect(await quartet("ask", "연차 휴가는 며칠입니까?")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/15일입니다[^]*\[1\] 휴가 규정/),
    });
    expect((await quartet("ask", "What does the moon orbit?")).code).toBe(4);
    expect(await quartet("documents", "list")).toMatchObject({ code: 0, stdout: expect.stringContaining("휴가.md") });
    const inUse = await runQuartet(["doctor", "--json"], {
      env: { QUARTET_SERVER, QUARTET_DATA_DIR: path.join(folder, "data") },
    });
    expect(inUse).toMatchObject({ code: 0, stdout: expect.stringContaining("in use by a server") });

    const second = await runQuartet(["start", "--port", "0", "--data-dir", "data"], { cwd: folder });
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining("in use by another process") });

    server.child.kill("SIGINT");
    expect((await server.ended).code).toBe(0);
  }, 60_000);
});

describe("quartet eval without a server", () => {
  beforeEach(async () => {
    const documents = ["달은 지구를 돈다.", "해는 별이다.", "화성은 붉다."].map((text, index) => ({
      id: `d${index}`,
      text,
    }));
    await writeFile(
      path.join(folder, "corpus.jsonl"),
      documents.map((document) => JSON.stringify(document)).join("\n"),
    );
    await writeFile(path.join(folder, "queries.jsonl"), '{"id": "q", "text": "지구를 도는 것은 달인가?"}\n');
    await writeFile(path.join(folder, "qrels.tsv"), "q\td0\t1\n");
    await writeFile(path.join(folder, "answers.jsonl"), '{"id": "q", "answers": ["달은"]}\n');
  });

  it("starts one for itself and leaves nothing behind", async () => {
    const { code, stdout } = await runQuartet(["eval", ".", "--json"], { cwd: folder, env: { TMPDIR: folder } });
    expect(JSON.parse(stdout)).toMatchObject({
      documents: 3,
      legs: { keyword: { ndcg_at_10: 1, degraded: 0 }, vector: { ndcg_at_10: 1 }, hybrid: { ndcg_at_10: 1 } },
      compression: { questions: 1, kept: { extractive: { "6000": 1 } } },
    });
    expect(code).toBe(0);
    expect((await readdir(folder)).filter((name) => name.startsWith("quartet-eval-"))).toEqual([]);
  }, 60_000);

  it("leaves nothing behind when it is interrupted", async () => {
    const { child, ended } = startQuartet(["eval", ".", "--json"], { cwd: folder, env: { TMPDIR: folder } });
    const begun = async () => (await readdir(folder)).some((name) => name.startsWith("quartet-eval-"));
    await until(begun, { limitMs: 40_000 });
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect((await readdir(folder)).filter((name) => name.startsWith("quartet-eval-"))).toEqual([]);
  }, 60_000);

  it("says why its server did not start", async () => {
    const env = { TMPDIR: folder, QUARTET_LOG_LEVEL: "loud" };
    const { code, stderr } = await runQuartet(["eval", "."], { cwd: folder, env });
    expect(stderr).toContain("QUARTET_LOG_LEVEL");
    expect(code).toBe(1);
  }, 60_000);
});
