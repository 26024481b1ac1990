import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { areStoresRequired, until } from "@quartet/testing";
import { codeBlocks } from "../src/code-blocks.ts";
import { cleanEnvironment, root, temporaryFolder } from "../src/processes.ts";

/** Examples are for people who have curl. Where it is missing they are left out, and fail where nothing may be. */
const hasCurl = spawnSync("curl", ["--version"]).status === 0;
const whereCurl = hasCurl || areStoresRequired() ? describe : describe.skip;

/** Addresses in the examples, which are those of a free port here. Nothing else is replaced. */
const inExamples = { provider: "127.0.0.1:9900", quartet: "localhost:8080" } as const;
const addresses = { ...inExamples } as { provider: string; quartet: string };
const here = (block: string) =>
  block
    .replaceAll(inExamples.provider, addresses.provider)
    .replaceAll(inExamples.quartet, addresses.quartet)
    .replace("--port 9900", "--port 0");

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let environment: NodeJS.ProcessEnv;
const running: { end(): Promise<void> }[] = [];

/** Runs a block as a terminal would, in a group of its own, so that what it starts ends with it. */
function shell(block: string) {
  const child = spawn("sh", ["-e", "-c", here(block)], {
    cwd: root,
    env: { ...environment, QUARTET_SERVER: `http://${addresses.quartet}` },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const ended = once(child, "close").then(([code]) => code as number | null);
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // It has ended already.
    }
  };
  const end = async () => {
    signal("SIGTERM");
    const late = setTimeout(signal, 15_000, "SIGKILL");
    await ended;
    clearTimeout(late);
  };
  return { output, ended, end };
}

async function run(block: string): Promise<string> {
  const { output, ended, end } = shell(block);
  running.push({ end });
  const code = await ended;
  expect([code, output.stderr, output.stdout]).toEqual([0, output.stderr, output.stdout]);
  return output.stdout;
}

/** Starts what runs until it is ended, and waits for what it says. */
async function start(block: string, pattern: RegExp): Promise<string> {
  const { output, ended, end } = shell(block);
  running.push({ end });
  let isOver = false;
  void ended.then(() => (isOver = true));
  let found: string | undefined;
  await until(() => (found = pattern.exec(output.stdout)?.[1]) !== undefined || isOver, {
    limitMs: 150_000,
    everyMs: 50,
  });
  if (found === undefined) throw new Error(`It ended: ${output.stdout}\n${output.stderr}`);
  return found;
}

/** The examples of a page in a language, and which of them nobody has tried yet. */
async function readExamples(page: string, language: string) {
  const blocks = codeBlocks(await readFile(path.join(root, "deploy/docs", page), "utf8"), language);
  const untried = new Set(blocks);
  return {
    untried,
    /** The one example in which this is. */
    take: (part: string): string => {
      const found = blocks.filter((each) => each.includes(part));
      expect(found).toHaveLength(1);
      untried.delete(found[0]!);
      return found[0]!;
    },
  };
}

whereCurl("the documentation's examples, as written", () => {
  let provider: Awaited<ReturnType<typeof readExamples>>;

  beforeAll(async () => {
    if (!hasCurl) throw new Error("The examples need curl: install it.");
    folder = await temporaryFolder();
    provider = await readExamples("provider.md", "sh");
    // An example that gets an error fails, although curl is not told so in it.
    await writeFile(path.join(folder.path, ".curlrc"), "fail-with-body\nsilent\nshow-error\n");
    environment = cleanEnvironment({
      CURL_HOME: folder.path,
      PATH: [path.dirname(process.execPath), path.join(root, "node_modules/.bin"), process.env["PATH"]].join(":"),
      NODE_OPTIONS: "",
      QUARTET_DATA_DIR: path.join(folder.path, "data"),
      QUARTET_PORT: "0",
    });
    addresses.provider = await start(provider.take("npx quartet fake-provider"), /answers at http:\/\/(\S+)\/v1/);
    addresses.quartet = await start(provider.take("npm start"), /Quartet is up on http:\/\/(\S+)\. Next/);
  }, 180_000);
  afterAll(async () => {
    for (const { end } of running.toReversed()) await end();
    await folder?.[Symbol.asyncDispose]();
  }, 60_000);

  describe("provider.md", () => {
    it("calls the fake provider with curl", async () => {
      const output = await run(provider.take("text-embedding-3-small"));
      expect(output).toContain('"content":"Rollo led them. [1]"');
      expect(output).toMatch(/data: \{.*"choices":\[\],"usage":\{"prompt_tokens":\d+.*\}\n\ndata: \[DONE\]/);
      expect(output.match(/"embedding":\[(-?[\d.e-]+,?){4}\]/g)).toHaveLength(2);
    }, 60_000);

    it("calls the fake provider with OpenAI's SDK", async () => {
      const output = await run(provider.take("9900/v1 OPENAI_API_KEY=any node"));
      expect(output).toMatch(
        /^models: .*\nwhole: .+\n\d+ tokens in, \d+ out; ended by stop\nstreamed: .+\nrefused with 400: .+/,
      );
    }, 60_000);

    it("calls Quartet with curl: from the documents, passed on, and as an event stream in sections", async () => {
      const chats = await run(provider.take('"model":"quartet"'));
      expect(chats).toMatch(/"model":"quartet".*"citations":\[\{"number":1,/);
      expect(chats).toMatch(/data: \{"id":"chatcmpl-fake.*"model":"gpt-4o-mini"/);
      const events = await run(provider.take("text/event-stream"));
      for (const name of ["summary", "recommendations", "citation", "end"]) {
        expect(events).toContain(`event: ${name}\n`);
      }
    }, 60_000);

    it("calls Quartet with OpenAI's SDK", async () => {
      const output = await run(provider.take("openai-sdk.mjs quartet"));
      expect(output).toMatch(/models: .*quartet.*\nwhole: .+\[1\]/);
      expect(output).toMatch(/\[1\] .+\nstreamed: .+\[1\]\nrefused with 400: /);
    }, 60_000);
  });

  it("api.md: puts, asks, searches, chats and reads events", async () => {
    const { take } = await readExamples("api.md", "sh");
    const output = await run(take("AnswerService/AnswerQuestion"));
    expect(output).toMatch(/\[1\].*"citations"/);
    expect(output).toContain('"documentId":"leave"');
    await run(take("PutGraph"));
    const events = await run(take("text/event-stream"));
    for (const name of ["summary", "recommendations", "end"]) expect(events).toContain(`event: ${name}\n`);
    const chats = await run(take('"model":"quartet","stream":true'));
    expect(chats).toContain("data: [DONE]");
    const { take: takeScript } = await readExamples("api.md", "js");
    const script = `node --input-type=module <<'SCRIPT'\n${takeScript("new OpenAI")}SCRIPT\n`;
    expect(await run(script)).toContain("documentId");
  }, 120_000);

  it("sections.md: asks for sections", async () => {
    const { take } = await readExamples("sections.md", "sh");
    expect(await run(take("npx quartet ask --section"))).toContain('"name":"risks"');
  }, 60_000);

  it("provider.md: makes things go wrong while Quartet works, and sees what happened", async () => {
    const output = await run(provider.take("/_fake/figures"));
    expect(output).toMatch(/"requests":\[\{"number":\d+/);
    expect(output).toContain('"inFlight":0');
    expect(output).toMatch(/\[1\]/);
    const figures = (await (await fetch(`http://${addresses.provider}/_fake/figures`)).json()) as object;
    expect(figures).toMatchObject({ refused: { "429": 2 } });
  }, 120_000);

  it("provider.md has no example that was not tried", () => expect([...provider.untried]).toEqual([]));
});
