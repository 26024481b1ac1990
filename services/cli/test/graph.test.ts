import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
let folder: string;
beforeEach(async () => {
  gateway = await startFakeGateway();
  folder = await mkdtemp(path.join(tmpdir(), "quartet-cli-graph-"));
});
afterEach(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

const write = (file: string, lines: readonly unknown[]) =>
  writeFile(
    path.join(folder, file),
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
  );
const quartet = (...args: string[]) => runQuartet(args, { env: { QUARTET_SERVER: gateway.url }, cwd: folder });

const entity = (id: string) => ({ id, name: `이름 ${id}` });
const relation = (source: string, target: string) => ({ source, target, kind: "owns" });

describe("quartet graph import", () => {
  it("puts entities before what names them, however the file orders them", async () => {
    await write("graph.jsonl", [relation("a", "b"), { entity: "a", document: "d.md" }, entity("a"), "", entity("b")]);
    const { code, stdout, stderr } = await quartet("graph", "import", "graph.jsonl");
    expect(stdout).toMatch(/^2 entities, 1 relations, 1 mentions in [\d.]+ s: 4 changed\n$/);
    expect([code, stderr]).toEqual([0, ""]);
    const sizes = gateway.graphs.map((graph) => [graph.entities.length, graph.relations.length, graph.mentions.length]);
    expect(sizes).toEqual([
      [2, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(gateway.graphs[0]!.entities[0]).toMatchObject({ id: "a", name: "이름 a" });
  });

  it("reads lists of a .json file, and several files", async () => {
    await writeFile(
      path.join(folder, "a.json"),
      JSON.stringify({ entities: [entity("a")], relations: [relation("a", "b")] }),
    );
    await write("b.jsonl", [entity("b")]);
    const { code, stdout } = await quartet("graph", "import", "a.json", "b.jsonl", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      entities: 2,
      relations: 1,
      mentions: 0,
      changed: 3,
      skipped: 0,
      problems: [],
    });
  });

  it("divides what is too much for one put", async () => {
    await write(
      "graph.jsonl",
      Array.from({ length: 1_200 }, (_, index) => entity(String(index))),
    );
    expect((await quartet("graph", "import", "graph.jsonl")).code).toBe(0);
    expect(gateway.graphs.map(({ entities }) => entities.length)).toEqual([500, 500, 200]);
  });

  it("tells what is wrong by its line, also what the server refuses, and puts the rest", async () => {
    await write("graph.jsonl", [
      entity("a"),
      "{",
      { id: "" },
      relation("a", "x"),
      relation("a", "a"),
      relation("a", "y"),
    ]);
    const { code, stdout, stderr } = await quartet("graph", "import", "graph.jsonl");
    expect(stdout).toMatch(/1 entities, 3 relations, 0 mentions in [\d.]+ s: 2 changed, 4 skipped/);
    expect(stderr.trim().split("\n")).toEqual([
      "graph.jsonl:2: not valid JSON",
      'graph.jsonl:3: "id" must be a non-empty string',
      "graph.jsonl:4: no entity has this ID",
      "graph.jsonl:6: no entity has this ID",
    ]);
    expect(code).toBe(1);
  });

  it("names a file that is not there, or not meant", async () => {
    expect(await quartet("graph", "import", "nowhere.jsonl")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nowhere.jsonl: no such file"),
    });
    await writeFile(path.join(folder, "list.json"), "[1, 2]");
    expect(await quartet("graph", "import", "list.json")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("none of the lists"),
    });
  });

  it("waits until all documents were looked through where it is told to", async () => {
    await write("graph.jsonl", [entity("a")]);
    gateway.waitingDocuments = 2;
    expect(await quartet("graph", "import", "graph.jsonl")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("2 documents are still"),
    });
    gateway.waitingDocuments = 2;
    const { code, stdout } = await quartet("graph", "import", "graph.jsonl", "--wait", "--json");
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ waiting_documents: 0 })]);
  });
});

describe("quartet graph delete", () => {
  it("deletes entities, and tells how many did not exist", async () => {
    await write("graph.jsonl", [entity("a"), entity("b")]);
    await quartet("graph", "import", "graph.jsonl");
    expect(await quartet("graph", "delete", "a", "b", "c")).toMatchObject({
      code: 0,
      stdout: "2 deleted, 1 did not exist\n",
    });
    expect(await quartet("graph", "delete", "a")).toMatchObject({ code: 4 });
  });
});
