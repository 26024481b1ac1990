import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { create } from "@bufbuild/protobuf";
import { DocumentSchema } from "@quartet/contracts/type/v1/document";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
let folder: string;
beforeEach(async () => {
  gateway = await startFakeGateway();
  folder = await mkdtemp(path.join(tmpdir(), "quartet-cli-test-"));
});
afterEach(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

const lines = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join("\n");

describe("quartet eval", () => {
  const own = { id: "sun", text: "the user's own", collection: "default" };

  beforeEach(async () => {
    (gateway.documents as Map<string, unknown>).set("sun", create(DocumentSchema, own));
    const set = path.join(folder, "planets");
    await mkdir(set);
    const corpus = [
      { id: "sun", title: "", text: "sun star hot", meta: { a: 1 } },
      { id: "moon", title: "", text: "moon rock cold" },
      { id: "달", title: "", text: "달 차다 moon" },
    ];
    await writeFile(path.join(set, "corpus.jsonl"), lines(...corpus));
    const queries = [
      { id: "q1", text: "moon", answerable: true },
      { id: "q2", text: "hot star", answerable: true },
      { id: "q3", text: "comet", answerable: false },
      { id: "q4", text: "unjudged moon" },
      { id: "q5", text: "달", answerable: true },
    ];
    await writeFile(path.join(set, "queries.jsonl"), lines(...queries));
    await writeFile(path.join(set, "qrels.tsv"), "q1\t달\t2\nq1\tmoon\t1\nq2\tsun\t1\nq5\tmoon\t1\n");
    const answers = [
      { id: "q1", answers: ["rock"] },
      { id: "q2", answers: ["hot"] },
      { id: "q5", answers: ["rock"] },
    ];
    await writeFile(path.join(set, "answers.jsonl"), lines(...answers));
    await writeFile(path.join(folder, "foreign.jsonl"), lines({ id: "f1", text: "taxes" }, { id: "f2", text: "moon" }));
  });

  const evaluate = (...flags: string[]) =>
    runQuartet(["eval", "planets", "--server", gateway.url, ...flags], { cwd: folder });

  it("reports ranking, compression and refusals, and leaves the server as it was", async () => {
    const { code, stdout, stderr } = await evaluate("--json", "--refusal-queries", "foreign.jsonl");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    // q1 finds moon (grade 1) before 달 (grade 2): (1 + 2/log2(3)) / (2 + 1/log2(3)); q2 is right; q5 finds only what is not relevant.
    const first = (1 + 2 / Math.log2(3)) / (2 + 1 / Math.log2(3));
    const ndcg = (first + 1 + 0) / 3;
    const leg = {
      ndcg_at_10: Number(ndcg.toFixed(4)),
      recall_at_10: 0.6667,
      mrr_at_10: 0.6667,
      p50_ms: expect.any(Number),
      p95_ms: expect.any(Number),
      degraded: 0,
    };
    const share = { "6000": 1, "1500": 1, "750": 1 };
    expect(JSON.parse(stdout)).toEqual({
      dataset: "planets",
      queries: 3,
      documents: 3,
      concurrency: 4,
      space: { model: "hashed", kind: "hashed", dimensions: 2048 },
      reranker: null,
      sources: [],
      legs: { keyword: leg, vector: leg, hybrid: leg },
      compression: { questions: 2, kept: { extractive: share, seed_rule: share } },
      refusal: {
        answerable: { asked: 3, refused: 0, share: 0 },
        unanswerable: { asked: 1, refused: 1, share: 1 },
        foreign: { asked: 2, refused: 1, share: 0.5 },
      },
      quantisation: null,
    });
    expect([...gateway.documents.values()]).toMatchObject([own]);
  });

  it("takes the first judged queries only, and only the parts that are asked for", async () => {
    const { stdout } = await evaluate("--json", "--limit", "1", "--only", "legs", "--only", "refusal");
    expect(JSON.parse(stdout)).toMatchObject({
      queries: 1,
      legs: { keyword: { recall_at_10: 1, mrr_at_10: 1 } },
      compression: null,
      refusal: { answerable: { asked: 1 }, unanswerable: { asked: 1 }, foreign: null },
    });
  });

  it("asks the sources named, and sets up no server that is there already", async () => {
    const { stdout } = await evaluate("--json", "--only", "legs", "--source", "corpus");
    expect(JSON.parse(stdout)).toMatchObject({ sources: ["corpus"], legs: { keyword: { degraded: 0 } } });
    const refused = await evaluate("--rerank", "none");
    expect(refused.stderr).toBe("--rerank and --quantisation set up a throw-away server; leave out --server.\n");
    expect(refused.code).toBe(1);
  });

  it("prints a table for people", async () => {
    const { stdout, code } = await evaluate();
    expect(stdout).toContain("planets: 3 judged queries, 3 documents (hashed, hashed, 2048 dimensions)");
    expect(stdout).toMatch(/^hybrid +0\.\d{4} +0\.6667 +0\.6667 +[\d.]+ +[\d.]+$/m);
    expect(stdout).toMatch(/^seed rule +100\.0 % +100\.0 % +100\.0 %$/m);
    expect(stdout).toMatch(/unanswerable questions +100\.0 % {2}\(1 of 1\)/);
    expect(code).toBe(0);
  });

  it("says which file or line is wrong", async () => {
    const qrels = path.join(folder, "planets/qrels.tsv");
    await writeFile(qrels, "q1\tmoon\t1\nq1 moon 1\n");
    const bad = await evaluate();
    expect(bad.stderr).toBe(`${qrels}:2: the line cannot be understood\n`);
    expect(bad.code).toBe(1);
    await rm(qrels);
    expect((await evaluate()).stderr).toBe(`${qrels}: no such file or folder\n`);
  });
});

describe("quartet doctor", () => {
  let provider: Server;
  let providerUrl: string;
  beforeEach(async () => {
    provider = createServer((request, response) => {
      const verdicts: Record<string, number> = { "Bearer good": 200, "Bearer full": 429 };
      response.statusCode = request.url === "/v1/models" ? (verdicts[request.headers.authorization ?? ""] ?? 401) : 404;
      response.end("{}");
    });
    provider.listen(0, "127.0.0.1");
    await once(provider, "listening");
    providerUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
  });
  afterEach(async () => {
    provider.close();
    await once(provider, "close");
  });

  const doctor = async (env: Record<string, string>, ...flags: string[]) => {
    const ended = await runQuartet(["doctor", "--json", ...flags], { cwd: folder, env: { QUARTET_PORT: "0", ...env } });
    const { healthy, checks } = JSON.parse(ended.stdout) as {
      healthy: boolean;
      checks: { name: string; status: string; finding: string; advice: string }[];
    };
    return { ...ended, healthy, checks: new Map(checks.map((check) => [check.name, check])) };
  };

  it("finds a machine without a server fit, and touches nothing", async () => {
    const { code, healthy, checks } = await doctor({});
    expect(Object.fromEntries([...checks].map(([name, { status }]) => [name, status]))).toMatchObject({
      node: "ok",
      languages: "ok",
      "data folder": "ok",
      store: "ok",
      server: "warn",
      clock: "ok",
      keys: "ok",
    });
    expect(healthy).toBe(true);
    expect(code).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it("asks a running server for its clock and its spaces", async () => {
    const document = create(DocumentSchema, { id: "a", text: "x", collection: "default" });
    (gateway.documents as Map<string, unknown>).set("a", document);
    const well = await doctor({ QUARTET_SERVER: gateway.url });
    expect(well.checks.get("server")).toMatchObject({ status: "ok" });
    expect(well.checks.get("clock")).toMatchObject({ status: "ok", finding: expect.stringContaining("server") });
    expect(well.checks.get("collection default")).toMatchObject({
      status: "ok",
      finding: "1 documents, 1 passages, vectors of hashed (2048 dimensions)",
    });
    gateway.pendingPolls = 1;
    const pending = await doctor({ QUARTET_SERVER: gateway.url });
    expect(pending.checks.get("collection default")).toMatchObject({ status: "warn", advice: expect.any(String) });
    expect(pending.code).toBe(0);
  });

  it("fails for a server that was named and does not answer, and for a port that something else holds", async () => {
    const absent = await doctor({}, "--server", "http://127.0.0.1:1");
    expect(absent.checks.get("server")).toMatchObject({ status: "fail" });
    expect(absent.code).toBe(1);
    const mute = createTcpServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await once(mute, "listening");
    const taken = await doctor({ QUARTET_PORT: String((mute.address() as AddressInfo).port) });
    mute.close();
    expect(taken.checks.get("server")).toMatchObject({
      status: "fail",
      finding: expect.stringContaining("another program"),
    });
    const other = await doctor({ QUARTET_PORT: new URL(providerUrl).port });
    expect(other.checks.get("collections")).toMatchObject({
      status: "fail",
      advice: expect.stringContaining("Quartet"),
    });
  });

  it("says which keys are accepted, and shows none of them", async () => {
    const env = {
      OPENAI_BASE_URL: providerUrl,
      OPENAI_API_KEY: "good",
      OPENAI_API_KEY_1: "full",
      OPENAI_API_KEY_2: "wrong",
    };
    const { code, stdout, checks } = await doctor(env);
    expect(checks.get("OPENAI_API_KEY")).toMatchObject({ status: "ok" });
    expect(checks.get("OPENAI_API_KEY_1")).toMatchObject({ status: "warn" });
    expect(checks.get("OPENAI_API_KEY_2")).toMatchObject({ status: "fail" });
    expect(stdout).not.toMatch(/"good"|"full"|wrong/);
    expect(code).toBe(1);
  });

  it("looks into the data folder: store, lock, damage", async () => {
    const data = path.join(folder, ".quartet");
    await mkdir(data);
    const store = new DatabaseSync(path.join(data, "quartet.db"));
    store.exec("PRAGMA user_version = 3; CREATE TABLE t (x)");
    store.close();
    const lock = new DatabaseSync(path.join(data, "quartet.lock"));
    lock.exec("BEGIN EXCLUSIVE");
    const held = await doctor({});
    lock.close();
    expect(held.checks.get("data folder")?.finding).toContain("in use by a server");
    expect(held.checks.get("store")).toMatchObject({
      status: "ok",
      finding: expect.stringContaining("schema version 3"),
    });
    await writeFile(path.join(data, "quartet.db"), "this is no database, whatever its name says ".repeat(50));
    const damaged = await doctor({ QUARTET_DATA_DIR: data });
    expect(damaged.checks.get("store")).toMatchObject({ status: "fail", advice: expect.stringContaining("backup") });
    expect(damaged.code).toBe(1);
  });

  it("prints each check with what to do", async () => {
    const { stdout } = await runQuartet(["doctor"], { cwd: folder, env: { QUARTET_PORT: "0" } });
    expect(stdout).toMatch(/^ok {4}node: Node 24/m);
    expect(stdout).toContain("Start one with `npm start`.");
  });
});
