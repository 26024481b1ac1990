import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { create } from "@bufbuild/protobuf";
import { DocumentSchema } from "@quartet/contracts/type/v1/document";
import { until } from "@quartet/testing";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet, startQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
beforeAll(async () => {
  gateway = await startFakeGateway();
  const leave = {
    id: "hr/휴가.md",
    title: "휴가 규정",
    text: "연차 휴가 15일 \u001b[31mred\u001b[0m",
    collection: "default",
  };
  (gateway.documents as Map<string, unknown>).set(leave.id, create(DocumentSchema, leave));
});
afterAll(() => gateway.close());
// The fake's host reports connections that its clients gave up.
beforeEach(() => void jest.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(() => void jest.restoreAllMocks());

const quartet = (...args: string[]) => runQuartet(args, { env: { QUARTET_SERVER: gateway.url } });

describe("quartet ask", () => {
  it("prints the answer and its sources, without what a terminal would act on", async () => {
    const { code, stdout, stderr } = await quartet("ask", "연차", "휴가", "며칠?");
    expect(stdout).toBe(
      "연차 휴가 15일 [31mred[0m [1]\n\n[1] 휴가 규정  hr/휴가.md, characters 100-122\n    연차 휴가 15일 [31mred[0m\n",
    );
    expect(stderr).toBe("Quoted from the documents; no model was asked.\n");
    expect(code).toBe(0);
  });

  it("shows of a source what the answer rests on", async () => {
    const { stdout } = await quartet("ask", "marked 휴가");
    expect(stdout).toContain("[1] 휴가 규정  hr/휴가.md, characters 103-105\n    휴가\n");
  });

  it("prints the whole response as one line of JSON", async () => {
    const { code, stdout, stderr } = await quartet("--json", "ask", "휴가");
    expect(stdout.trimEnd()).not.toContain("\n");
    expect(JSON.parse(stdout)).toMatchObject({
      text: expect.stringContaining("연차 휴가"),
      citations: [{ number: 1, documentId: "hr/휴가.md", title: "휴가 규정", startOffset: 100, endOffset: 122 }],
      degradations: [],
      finishReason: "FINISH_REASON_STOP",
      answerer: { kind: "ANSWERER_KIND_EXTRACTIVE" },
    });
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  it("ends with 4 when the documents hold no answer", async () => {
    for (const flags of [[], ["--json"]]) {
      const { code, stdout } = await quartet("ask", "모르는 휴가", ...flags);
      expect(stdout).toContain("문서에 답이 없습니다.");
      expect(code).toBe(4);
    }
  });

  it("tells what was left out, on stderr", async () => {
    const { code, stderr } = await quartet("ask", "degraded 휴가");
    expect(stderr).toContain("note: Vectors were left out. (retrieval.vector, corpus, CIRCUIT_OPEN)\n");
    expect(code).toBe(0);
  });

  it("does not pass a fragment off as an answer", async () => {
    const { code, stdout, stderr } = await quartet("ask", "broken 휴가");
    expect(stdout).toContain("연차");
    expect(stderr).toBe(
      "The model stopped in the middle. Ask again.\nTry again in 2 s.\n(unavailable, STREAM_STALLED, request request-9)\n",
    );
    expect(code).toBe(1);
  });

  it("shows sections one below the other in the order asked for, whichever comes first", async () => {
    const { code, stdout, stderr } = await quartet(
      ...["ask", "휴가", "--section", "summary", "--section", "risks=어떤 위험?", "--max-tokens", "50"],
    );
    expect(stdout).toMatch(/^## summary\nsummary: {2}\[1\]\n\n## risks\nrisks: 어떤 위험\? \[1\]\n\n\[1\] 휴가 규정/);
    expect(stderr).toBe("Quoted from the documents; no model was asked.\n");
    expect(code).toBe(0);
  });

  it("ends with 1 where a section failed, and gives them all as JSON", async () => {
    const flags = ["ask", "휴가", "--section", "broken", "--section", "summary"];
    const shown = await quartet(...flags);
    expect(shown.stdout).toMatch(/^## broken\nbroken: {2}\[1\]\n\(breaks off\)\n\n## summary\n/);
    expect(shown.code).toBe(1);
    const { code, stdout } = await quartet(...flags, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      text: "",
      sections: [{ name: "broken", failure: { reason: "STREAM_STALLED" } }, { name: "summary" }],
    });
    expect(code).toBe(1);
  });

  it.each([
    [["--section", "Summary"], "name or name=instruction"],
    [["--section", "a", "--section", "a=b"], "a name of its own"],
    [Array.from("abcdefghi").flatMap((name) => ["--section", name]), "at most 8"],
    [["--temperature", "3"], "a number from 0 to 2"],
  ])("refuses what no server would take: %j", async (flags, message) => {
    const { code, stderr } = await quartet("ask", "휴가", ...flags);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it("gives errors as JSON to those who read JSON", async () => {
    const { code, stdout, stderr } = await quartet("ask", "busy", "--json");
    expect(stdout).toBe("");
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: "resource_exhausted",
        reason: "OVERLOADED",
        message: "Too much at once. Try again shortly.",
        retryDelayMs: 20,
      },
    });
    expect(code).toBe(1);
  });

  it("waits as long as it is told", async () => {
    const { code, stderr } = await quartet("ask", "endless", "--timeout", "1");
    expect(stderr).toBe("No answer came in the time the call was given.\n(deadline_exceeded)\n");
    expect(code).toBe(1);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("gives the question up at %s, and ends with 130", async (signal) => {
    const own = await startFakeGateway();
    const { child, output, ended } = startQuartet(["ask", "endless", "--server", own.url]);
    await until(() => output.stdout.includes("문서에"));
    child.kill(signal);
    await own.abandoned;
    expect(await ended).toMatchObject({ code: 130, stderr: "Interrupted.\n" });
    await own.close();
  });
});

describe("quartet search", () => {
  it("prints passages, best first", async () => {
    const { code, stdout } = await quartet("search", "휴가");
    expect(stdout).toBe("1. 휴가 규정  hr/휴가.md, characters 0-22, score 1.000\n   연차 휴가 15일 [31mred[0m\n");
    expect(code).toBe(0);
  });

  it("prints the response as JSON, and ends with 4 when nothing was found", async () => {
    const { code, stdout } = await quartet("search", "없는말", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ passages: [], degradations: [], legs: [] });
    expect(code).toBe(4);
  });

  describe("with --all", () => {
    const ids = Array.from({ length: 7 }, (_, number) => `긴-${number}`);
    const text = "긴목록 \u001b[31m";
    const documents = () => gateway.documents as Map<string, unknown>;
    beforeAll(() => {
      for (const id of ids) documents().set(id, create(DocumentSchema, { id, title: id, text, collection: "long" }));
    });
    afterAll(() => ids.forEach((id) => documents().delete(id)));
    const lines = ({ stdout }: { stdout: string }) => stdout.trimEnd().split("\n");

    it("prints all, one passage a line with --json", async () => {
      const all = await quartet("search", "긴목록", "--all", "--json");
      expect(lines(all).map((line) => (JSON.parse(line) as { documentId: string }).documentId)).toEqual(ids);
      expect([all.code, all.stderr]).toEqual([0, ""]);
    });

    it("says when there are more than were asked for", async () => {
      const some = await quartet("search", "긴목록", "--all", "--limit", "5");
      expect(lines(some).filter((line) => /^\d+\. /.test(line))).toHaveLength(5);
      expect(some.stdout).not.toContain("\u001b");
      expect(some.stderr).toBe("There are more than these 5: raise --limit to see them.\n");
    });

    it("ends with 4 when nothing was found", async () => {
      expect((await quartet("search", "없는말", "--all")).code).toBe(4);
    });

    it("says once what is missing from all pages, with --json too", async () => {
      const degraded = await quartet("search", "degraded 긴목록", "--all", "--json");
      expect(degraded.stderr).toBe("Incomplete: Vectors were left out.\n");
    });

    it("fails when not all came", async () => {
      expect(await quartet("search", "broken 긴목록", "--all")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("The stream ended before it was complete."),
      });
    });

    it("is what more than a hundred need", async () => {
      expect(await quartet("search", "긴목록", "--limit", "101")).toMatchObject({
        code: 2,
        stderr: "--limit must be a whole number from 1 to 100 where --all is not given.\n",
      });
    });
  });

  it.each(["search", "ask"])("tells how each source went where %s asked more than one", async (command) => {
    const asked = ["--source", "corpus", "--source", "persona"];
    const { stderr } = await quartet(command, "휴가", ...asked);
    expect(stderr).toContain(
      "source corpus: 12 passages in 31 ms\nsource persona: 0 passages in 2000 ms (failed, OUT_OF_TIME)\n",
    );
    expect((await quartet(command, "휴가", "--source", "corpus")).stderr).not.toContain("source corpus");
    const { stdout } = await quartet(command, "휴가", "--json", ...asked);
    expect(JSON.parse(stdout)).toMatchObject({
      sources: [
        { source: "corpus", kind: "SOURCE_KIND_HYBRID", status: "LEG_STATUS_OK", passageCount: 12 },
        { source: "persona", status: "LEG_STATUS_FAILED", reason: "OUT_OF_TIME" },
      ],
    });
  });

  it("keeps to a collection", async () => {
    expect((await quartet("search", "휴가", "--collection", "default")).code).toBe(0);
    expect((await quartet("search", "휴가", "--collection", "other")).code).toBe(4);
  });
});

describe("without a server", () => {
  const env = { QUARTET_SERVER: "http://127.0.0.1:1" };
  const advice =
    "No Quartet server answers at http://127.0.0.1:1.\nStart one with `npm start`, or name another with --server URL or QUARTET_SERVER.";

  it.each([["ask x"], ["search x"], ["documents list"], ["documents get x"], ["documents delete x"]])(
    "%s says how to start one, and ends with 3",
    async (line) => {
      const { code, stdout, stderr } = await runQuartet(line.split(" "), { env });
      expect(stderr).toBe(`${advice}\n`);
      expect(stdout).toBe("");
      expect(code).toBe(3);
    },
  );

  it("says so in JSON", async () => {
    const { code, stderr } = await runQuartet(["ask", "x", "--json"], { env });
    expect(JSON.parse(stderr)).toEqual({ error: { code: "unavailable", message: advice } });
    expect(code).toBe(3);
  });
});

describe("npx quartet", () => {
  const bin = fileURLToPath(new URL("../bin/quartet.mjs", import.meta.url));

  it("runs the same, under the Node that comes with the project, and hands on how it ended", () => {
    const help = spawnSync(process.execPath, [bin, "--help"], { encoding: "utf8" });
    expect(help.stdout).toContain("Usage: quartet");
    expect(help.status).toBe(0);
    const wrong = spawnSync(process.execPath, [bin, "bogus"], { encoding: "utf8" });
    expect(wrong.stderr).toContain("unknown command");
    expect(wrong.status).toBe(2);
  });
});

describe("wrong usage", () => {
  it.each([
    [["bogus"], "unknown command 'bogus'"],
    [["ask"], "missing required argument 'question'"],
    [["search", "x", "--limit", "0"], "whole number from 1 to 100"],
    [["search", "x", "--fusion", "magic"], "Allowed choices are convex, rrf, keyword, vector"],
    [["ask", "x", "--vector-weight", "2"], "number from 0 to 1"],
    [["ask", "x", "--server", "localhost:8080"], "--server"],
    [["start", "--port", "70000"], "--port"],
  ])("%j ends with 2 and says why", async (args, named) => {
    const { code, stdout, stderr } = await runQuartet(args);
    expect(stderr).toContain(named);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("of the environment too", async () => {
    const { code, stderr } = await runQuartet(["ask", "x"], { env: { QUARTET_SERVER: "nowhere" } });
    expect(stderr).toContain("QUARTET_SERVER");
    expect(code).toBe(2);
  });

  it("help is no failure and names the exit codes", async () => {
    const { code, stdout } = await runQuartet(["--help"]);
    expect(stdout).toContain("Exit codes: 0 done");
    expect(code).toBe(0);
  });
});
