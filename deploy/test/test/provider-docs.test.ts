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

whereCurl("deploy/docs/provider.md, as written", () => {
  let blocks: readonly string[];
  /** The one block in which this is. */
  const block = (part: string): string => {
    const found = blocks.filter((each) => each.includes(part));
    expect(found).toHaveLength(1);
    return found[0]!;
  };
  const untried = new Set<string>();
  const tried = (part: string): string => {
    untried.delete(block(part));
    return block(part);
  };

  beforeAll(async () => {
    if (!hasCurl) throw new Error("The examples need curl: install it.");
    folder = await temporaryFolder();
    blocks = codeBlocks(await readFile(path.join(root, "deploy/docs/provider.md"), "utf8"), "sh");
    for (const each of blocks) untried.add(each);
    // An example that gets an error fails, although curl is not told so in it.
    await writeFile(path.join(folder.path, ".curlrc"), "fail-with-body\nsilent\nshow-error\n");
    environment = cleanEnvironment({
      CURL_HOME: folder.path,
      PATH: [path.dirname(process.execPath), path.join(root, "node_modules/.bin"), process.env["PATH"]].join(":"),
      NODE_OPTIONS: "",
      QUARTET_DATA_DIR: path.join(folder.path, "data"),
      QUARTET_PORT: "0",
    });
    addresses.provider = await start(tried("npx quartet fake-provider"), /answers at http:\/\/(\S+)\/v1/);
    addresses.quartet = await start(tried("npm start"), /Quartet is up on http:\/\/(\S+)\. Next/);
  }, 180_000);
  afterAll(async () => {
    for (const { end } of running.toReversed()) await end();
    await folder[Symbol.asyncDispose]();
  }, 60_000);

  it("calls the fake provider with curl", async () => {
    const output = await run(tried("text-embedding-3-small"));
    expect(output).toContain('"content":"Rollo led them. [1]"');
    expect(output).toMatch(/data: \{.*"choices":\[\],"usage":\{"prompt_tokens":\d+.*\}\n\ndata: \[DONE\]/);
    expect(output.match(/"embedding":\[(-?[\d.e-]+,?){4}\]/g)).toHaveLength(2);
  }, 60_000);

  it("calls the fake provider with OpenAI's SDK", async () => {
    const output = await run(tried("9900/v1 OPENAI_API_KEY=any node"));
    expect(output).toMatch(
      /^models: .*\nwhole: .+\n\d+ tokens in, \d+ out; ended by stop\nstreamed: .+\nrefused with 400: .+/,
    );
  }, 60_000);

  it("calls Quartet with curl: from the documents, passed on, and as an event stream in sections", async () => {
    const chats = await run(tried('"model":"quartet"'));
    expect(chats).toMatch(/"model":"quartet".*"citations":\[\{"number":1,/);
    expect(chats).toMatch(/data: \{"id":"chatcmpl-fake.*"model":"gpt-4o-mini"/);
    const events = await run(tried("text/event-stream"));
    for (const name of ["summary", "recommendations", "citation", "end"]) expect(events).toContain(`event: ${name}\n`);
  }, 60_000);

  it("calls Quartet with OpenAI's SDK", async () => {
    const output = await run(tried("openai-sdk.mjs quartet"));
    expect(output).toMatch(/models: .*quartet.*\nwhole: .+\[1\]/);
    expect(output).toMatch(/\[1\] .+\nstreamed: .+\[1\]\nrefused with 400: /);
  }, 60_000);

  it("makes things go wrong while Quartet works, and sees what happened", async () => {
    const output = await run(tried("/_fake/figures"));
    expect(output).toMatch(/"requests":\[\{"number":\d+/);
    expect(output).toContain('"inFlight":0');
    expect(output).toMatch(/\[1\]/);
    const figures = (await (await fetch(`http://${addresses.provider}/_fake/figures`)).json()) as object;
    expect(figures).toMatchObject({ refused: { "429": 2 } });
  }, 120_000);

  it("leaves no example untried", () => expect([...untried]).toEqual([]));
});
