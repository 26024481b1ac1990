import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type ModelProcess, startModelProcess } from "./model-process.ts";
import type { OpenRequest } from "./protocol.ts";

let folder: string;
let running: ModelProcess | undefined;
beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), "quartet-process-"))));
afterEach(async () => {
  await running?.end();
  await rm(folder, { recursive: true });
});

/** A process that does this with a request. */
async function start(body: string): Promise<ModelProcess> {
  const file = path.join(folder, "process.mjs");
  await writeFile(
    file,
    `process.on("disconnect", () => process.exit());\nprocess.on("message", (request) => { ${body} });\n`,
  );
  return (running = startModelProcess(file));
}

const FAR = 60_000;
const request = { kind: "embed", texts: ["글"] } as const;

describe("startModelProcess", () => {
  it("carries vectors as they are, both ways", async () => {
    const child = await start(
      `process.send({ kind: "embedded", vectors: Float32Array.of(0.1, request.texts.length), dimensions: 2, truncated: [false], tokens: 1 });`,
    );
    for (let count = 0; count < 2; count += 1)
      expect(await child.ask(request, FAR)).toMatchObject({ vectors: Float32Array.of(0.1, 1) });
  });

  it("holds no reply once it was given", async () => {
    const child = await start(
      `process.send({ kind: "embedded", vectors: new Float32Array(1000), dimensions: 1000, truncated: [false], tokens: 1 });`,
    );
    const ask = async () => new WeakRef((await child.ask(request, FAR)) as object);
    const replies = [await ask(), await ask()];
    // What was delivered last may still be in the hands of the channel.
    await child.ask(request, FAR);
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    expect(replies.map((reply) => reply.deref())).toEqual([undefined, undefined]);
  });

  it("tells that it ended while it was asked, with its last words, and each time after", async () => {
    const child = await start(`process.stderr.write("out of memory"); process.kill(process.pid, "SIGKILL");`);
    await expect(child.ask(request, FAR)).rejects.toThrow("it ended");
    await expect(child.ask(request, FAR)).rejects.toThrow("it had ended");
    await child.ended;
    expect(child.lastWords).toContain("out of memory");
  });

  it("kills one that does not answer in time, even while it computes", async () => {
    const child = await start(`for (;;);`);
    await expect(child.ask(request, 1_000)).rejects.toThrow("it did not answer in time");
    await child.ended;
  });

  it("is gone when it was ended", async () => {
    const child = await start(`process.send({ kind: "opened", device: "cpu" });`);
    await child.ask({ kind: "open" } as OpenRequest, FAR);
    await child.end();
    expect(() => process.kill(child.pid!, 0)).toThrow(/ESRCH/);
  });

  it("says in one line what of a model cannot be used", async () => {
    running = startModelProcess();
    const open = {
      kind: "open",
      folder,
      modelFile: "model.onnx",
      runtime: path.join(folder, "none.js"),
    } as OpenRequest;
    expect(await running.ask(open, FAR)).toEqual({
      kind: "failed",
      message: "The model could not be computed with.",
    });
    expect(running.lastWords).toContain("none.js");
  });
});
