import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
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

const put = async (file: string, content: string | Uint8Array) => {
  await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
  await writeFile(path.join(folder, file), content);
};

const quartet = (...args: string[]) => runQuartet(args, { env: { QUARTET_SERVER: gateway.url }, cwd: folder });

describe("quartet index", () => {
  it("puts files and folders, named and titled after what they are", async () => {
    await put("docs/휴가.md", "---\nx: 1\n---\n# 휴가 규정\n연차는 15일");
    await put("docs/sub/notes.2026.txt", "plain text");
    await put(
      "docs/data.jsonl",
      '{"id": "a/1", "title": "하나", "text": "본문", "tags": ["x"], "metadata": {"year": 2026}}\n',
    );
    await put("docs/image.png", "not read");
    await put("docs/.hidden/secret.txt", "not read");
    await put("docs/node_modules/x.md", "not read");
    await symlink(folder, path.join(folder, "docs/loop"));
    const { code, stdout, stderr } = await quartet(
      "index",
      "docs",
      "--tag",
      "인사",
      "--tag",
      "x",
      "--collection",
      "hr",
    );
    expect(stdout).toMatch(/^3 documents in [\d.]+ s: 3 created, 0 replaced, 0 unchanged, 0 failed\n$/);
    expect(stderr).toBe("1 files of other kinds passed over; .txt, .md, .jsonl are read.\n");
    expect(code).toBe(0);
    expect(gateway.documents.get("docs/휴가.md")).toMatchObject({
      title: "휴가 규정",
      mediaType: "text/markdown",
      collection: "hr",
      tags: ["인사", "x"],
      uri: "docs/휴가.md",
    });
    expect(gateway.documents.get("docs/sub/notes.2026.txt")).toMatchObject({
      title: "notes.2026",
      mediaType: "text/plain",
    });
    expect(gateway.documents.get("a/1")).toMatchObject({
      title: "하나",
      text: "본문",
      tags: ["x", "인사"],
      metadata: { year: { kind: { case: "numberValue", value: 2026 } } },
    });
  });

  it("tells created from replaced and unchanged, also in JSON", async () => {
    await put("a.md", "# A\none");
    await put("b.txt", "two");
    expect((await quartet("index", ".")).stdout).toContain("2 created");
    await put("a.md", "# A\nchanged");
    const { code, stdout, stderr } = await quartet("index", "a.md", "b.txt", "--json");
    expect(JSON.parse(stdout)).toEqual({
      created: 0,
      replaced: 1,
      unchanged: 1,
      failed: 0,
      skipped: 0,
      problems: [],
      notices: [],
      ignored_files: 0,
      elapsed_ms: expect.any(Number),
    });
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  it("passes over what is no document with a clear line, indexes the rest, and ends with 1", async () => {
    await put("binary.txt", Uint8Array.of(80, 75, 3, 4, 0, 0));
    await put("cp949.txt", Uint8Array.of(0xc8, 0xde, 0xb0, 0xa1));
    await put("utf16.txt", Uint8Array.of(0xff, 0xfe, 0x61, 0x00));
    await put("large.txt", "가".repeat(1_000_001).slice(0, 1_000_001));
    await put("larger.txt", "x".repeat(3 * 1024 * 1024 + 1));
    await put("empty.md", "\n");
    await put("refuse.txt", "the server refuses this one");
    await put(
      "lines.jsonl",
      '{"id": "ok", "text": "좋다", "url": "x"}\n{"id": "bad"}\nnonsense\n\n{"id": "ok", "text": "again"}\n',
    );
    await put("good.txt", "\ufeff좋은 글");
    const { code, stdout, stderr } = await quartet("index", ".", "absent.txt");
    expect(stderr.trimEnd().split("\n").toSorted()).toEqual([
      "absent.txt: no such file or folder",
      "binary.txt: not a text: it holds NUL bytes",
      "cp949.txt: not UTF-8 text; where it is text, convert it, for example: iconv -f cp949 -t utf-8",
      "empty.md: empty, passed over",
      expect.stringMatching(/^large\.txt: text: /),
      "larger.txt: 3.0 MiB; a document holds at most 3 MiB: split it into several files",
      "lines.jsonl: ignored fields that documents do not have: url",
      'lines.jsonl:2: "text" must be a string of whole Unicode characters',
      "lines.jsonl:3: not valid JSON",
      'lines.jsonl:5: the ID "ok" was already used in this run; IDs must differ',
      "refuse.txt: This one is refused.",
      "utf16.txt: not UTF-8 but UTF-16; save it as UTF-8",
    ]);
    expect(stdout).toMatch(/^3 documents in .*: 2 created, 0 replaced, 0 unchanged, 1 failed, 9 skipped\n$/);
    expect(code).toBe(1);
    expect(gateway.documents.get("good.txt")?.text).toBe("좋은 글");
    expect(gateway.documents.get("ok")?.text).toBe("좋다");
  });

  it("sends batches within bounds, few at a time, and again where it is asked to wait", async () => {
    const lines = Array.from({ length: 250 }, (_, index) =>
      JSON.stringify({ id: `d${index}`, text: "글 ".repeat(20) }),
    );
    await put("many.jsonl", lines.join("\n"));
    gateway.turnAway = 2;
    const { code, stdout } = await quartet("index", "many.jsonl");
    expect(stdout).toContain("250 created");
    expect(code).toBe(0);
    expect(gateway.puts.toSorted()).toEqual([100, 100, 50]);
    expect(gateway.mostPuts()).toBeLessThanOrEqual(2);
  });

  it("says how far it came when the server fails, so that the same command goes on", async () => {
    const lines = Array.from({ length: 250 }, (_, index) => JSON.stringify({ id: `d${index}`, text: "글" }));
    await put("many.jsonl", lines.join("\n"));
    gateway.failAfterPuts = 1;
    const { code, stderr } = await quartet("index", "many.jsonl");
    expect(stderr).toBe(
      "100 documents are stored; run the same again to go on with the rest.\nThe store is down. Try again later.\n(unavailable, UPSTREAM_FAILED)\n",
    );
    expect(code).toBe(1);
    gateway.failAfterPuts = Infinity;
    expect((await quartet("index", "many.jsonl")).stdout).toContain("150 created, 0 replaced, 100 unchanged");
  });

  it("waits until everything is searchable, as long as it was told", async () => {
    await put("a.txt", "기다림");
    gateway.pendingPolls = 2;
    const waited = await quartet("index", "a.txt", "--wait", "--json");
    expect(JSON.parse(waited.stdout)).toMatchObject({ created: 1, searchable: true });
    expect(waited.code).toBe(0);
    gateway.pendingPolls = Infinity;
    const late = await quartet("index", "a.txt", "--wait", "--wait-limit", "1");
    expect(late.stderr).toContain("keywords find them");
    expect(late.code).toBe(1);
  });

  it("takes files from elsewhere, and any extension that is given by name", async () => {
    await put("elsewhere/readme", "한 줄");
    await put("work/.keep", "");
    const env = { QUARTET_SERVER: gateway.url };
    const { code } = await runQuartet(["index", "../elsewhere/readme"], { env, cwd: path.join(folder, "work") });
    expect(code).toBe(0);
    expect([...gateway.documents.keys()]).toEqual(["readme"]);
  });

  it("says at once that there is no server", async () => {
    await put("a.txt", "x");
    const { code, stderr } = await runQuartet(["index", "a.txt"], {
      env: { QUARTET_SERVER: "http://127.0.0.1:1" },
      cwd: folder,
    });
    expect(stderr).toContain("npm start");
    expect(code).toBe(3);
  });
});

describe("quartet documents", () => {
  beforeEach(async () => {
    for (const name of ["가", "나", "다", "라", "마"]) await put(`${name}.md`, `# 제목 ${name}\n본문 ${name}`);
    await quartet("index", ".");
  });

  it("lists page by page, up to a limit", async () => {
    const all = await quartet("documents", "list");
    expect(all.stdout.trimEnd().split("\n")).toHaveLength(5);
    expect(all.stdout).toContain("가.md  제목 가");
    const some = await quartet("documents", "list", "--limit", "4", "--json");
    const { documents, more } = JSON.parse(some.stdout) as { documents: { id: string }[]; more: boolean };
    expect(documents.map(({ id }) => id)).toEqual(["가.md", "나.md", "다.md", "라.md"]);
    expect(more).toBe(true);
    const none = await quartet("documents", "list", "--collection", "other");
    expect(none.stderr).toContain("No documents.");
    expect(none.code).toBe(4);
  });

  it("shows one with its text, or says that there is none", async () => {
    const { stdout, code } = await quartet("documents", "get", "나.md");
    expect(stdout).toContain("title: 제목 나\n");
    expect(stdout).toContain("\n\n# 제목 나\n본문 나\n");
    expect(code).toBe(0);
    const json = await quartet("documents", "get", "나.md", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ id: "나.md", text: "# 제목 나\n본문 나", tags: [] });
    const absent = await quartet("documents", "get", "absent");
    expect(absent.stderr).toBe("There is no such document.\n(not_found, NOT_FOUND)\n");
    expect(absent.code).toBe(1);
  });

  it("deletes, and counts what did not exist", async () => {
    const { stdout, code } = await quartet("documents", "delete", "가.md", "나.md", "absent", "가.md");
    expect(stdout).toBe("2 deleted, 1 did not exist\n");
    expect(code).toBe(0);
    expect(gateway.documents.size).toBe(3);
    const again = await quartet("documents", "delete", "가.md", "--json");
    expect(JSON.parse(again.stdout)).toEqual({ deleted: 0, unknown: 1 });
    expect(again.code).toBe(4);
  });
});
