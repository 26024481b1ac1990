import { afterEach, describe, expect, it } from "@jest/globals";
import { createLogger } from "@quartet/telemetry";
import { createInference, type Inference } from "./inference.ts";
import { type ModelProcess, ModelProcessError } from "./model-process.ts";
import type { OpenRequest, Reply, Request } from "./protocol.ts";

const open = { kind: "open" } as OpenRequest;
const { signal } = new AbortController();
const urgent = { urgent: true, signal };

/** Processes of which the test says when they answer: `answer()` lets the one that computes go on. */
function fakeProcesses({ opens = () => ({ kind: "opened", device: "cpu" }) as Reply } = {}) {
  const started: { kill: () => void }[] = [];
  const asked: string[] = [];
  const waiting: ((reply: Reply) => void)[] = [];
  const startProcess = (): ModelProcess => {
    const ended = Promise.withResolvers<void>();
    let over = false;
    const kill = () => {
      over = true;
      ended.resolve();
    };
    started.push({ kill });
    return {
      ended: ended.promise,
      lastWords: "",
      pid: started.length,
      end: async () => kill(),
      ask: async (request: Request) => {
        if (over) throw new ModelProcessError("it had ended");
        if (request.kind === "open") return opens();
        asked.push(request.texts.join(" "));
        const { promise, resolve, reject } = Promise.withResolvers<Reply>();
        waiting.push(resolve);
        void ended.promise.then(() => {
          if (waiting.includes(resolve)) waiting.splice(waiting.indexOf(resolve), 1);
          reject(new ModelProcessError("it ended"));
        });
        return await promise;
      },
    };
  };
  const answer = async () => {
    await settled();
    const texts = asked.at(-1)!.split(" ");
    const vectors = Float32Array.from(texts.flatMap(() => [0, 1]));
    waiting.shift()?.({ kind: "embedded", vectors, dimensions: 2, truncated: texts.map(() => false), tokens: 1 });
    await settled();
  };
  return { startProcess, started, asked, answer };
}

/** Lets promises that are settled have run what waits for them. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const log = createLogger({ service: "embedding", level: "silent" });
const opened: Inference[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function inferenceOf(fake: ReturnType<typeof fakeProcesses>, maxWaitingTexts = 10) {
  const inference = createInference({ open, timeoutMs: 60_000, log, maxWaitingTexts, startProcess: fake.startProcess });
  opened.push(inference);
  await inference.start();
  return inference;
}

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => "none",
    ({ reason }) => reason as string,
  );

describe("createInference", () => {
  it("computes one batch after the other, questions before passages", async () => {
    const fake = fakeProcesses();
    const inference = await inferenceOf(fake);
    const calls = [
      inference.run(["p1"], { urgent: false, signal }),
      inference.run(["p2"], { urgent: false, signal }),
      inference.run(["q", "r"], urgent),
    ];
    expect(inference.figures()).toMatchObject({ name: "local-model", waitingCount: 3, runningCount: 1, doneCount: 0 });
    for (let count = 0; count < 3; count += 1) await fake.answer();
    expect(inference.figures()).toMatchObject({ waitingCount: 0, runningCount: 0, doneCount: 4, oldestAgeMs: 0 });
    expect((await Promise.all(calls)).map(({ vectors }) => vectors.length)).toEqual([1, 1, 2]);
    expect(fake.asked).toEqual(["p1", "q r", "p2"]);
    expect(fake.started).toHaveLength(1);
  });

  it("does not compute for whom has left, and lets others in after one who left while computing", async () => {
    const fake = fakeProcesses();
    const inference = await inferenceOf(fake);
    const left = new AbortController();
    const first = inference.run(["computing"], { urgent: true, signal: left.signal });
    const second = inference.run(["waiting"], { urgent: true, signal: left.signal });
    const third = inference.run(["stays"], urgent);
    await settled();
    left.abort(new Error("left"));
    await expect(first).rejects.toThrow("left");
    await expect(second).rejects.toThrow("left");
    await fake.answer();
    await fake.answer();
    await third;
    expect(fake.asked).toEqual(["computing", "stays"]);
  });

  it("refuses more than may wait, and says when to come again", async () => {
    const inference = await inferenceOf(fakeProcesses(), 2);
    const kept = [inference.run(["a"], urgent), inference.run(["b", "c"], urgent)];
    await expect(inference.run(["d"], urgent)).rejects.toMatchObject({ reason: "OVERLOADED", retryDelayMs: 1_000 });
    await inference.close();
    expect(await Promise.all(kept.map(reasonOf))).toEqual(["LLM_UNAVAILABLE", "LLM_UNAVAILABLE"]);
  });

  it("refuses what was computed when the process fell over, starts another, and goes on with those who wait", async () => {
    const fake = fakeProcesses();
    const inference = await inferenceOf(fake);
    const [poison, next] = [inference.run(["poison"], urgent), inference.run(["next"], urgent)];
    await settled();
    fake.started[0]!.kill();
    expect(await reasonOf(poison)).toBe("LLM_UNAVAILABLE");
    await fake.answer();
    expect((await next).vectors).toHaveLength(1);
    expect(fake.started).toHaveLength(2);
  });

  it("has the next process ready before anybody asks, where one fell over while idle", async () => {
    const fake = fakeProcesses();
    const inference = await inferenceOf(fake);
    fake.started[0]!.kill();
    await settled();
    expect([fake.started.length, inference.pid]).toEqual([2, 2]);
    const call = inference.run(["a"], urgent);
    await fake.answer();
    await call;
  });

  it("leaves a process alone that falls over again and again, and says how long", async () => {
    const fake = fakeProcesses();
    const inference = await inferenceOf(fake);
    for (let count = 0; count < 4; count += 1) {
      fake.started.at(-1)!.kill();
      await settled();
    }
    expect(fake.started).toHaveLength(4);
    const error = (await inference.run(["a"], urgent).catch((thrown: unknown) => thrown)) as { retryDelayMs: number };
    expect(error).toMatchObject({ reason: "LLM_UNAVAILABLE" });
    expect(error.retryDelayMs).toBeGreaterThan(0);
  });

  it("says in one line at the start why a model cannot be used, and starts no other", async () => {
    const fake = fakeProcesses({ opens: () => ({ kind: "failed", message: "The model cannot be loaded: no." }) });
    await expect(inferenceOf(fake)).rejects.toThrow("The model cannot be loaded: no.");
    await settled();
    expect(fake.started).toHaveLength(1);
  });
});
