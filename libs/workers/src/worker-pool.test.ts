import { afterEach, describe, expect, it } from "@jest/globals";
import {
  createInlineWorkers,
  createWorkerPool,
  type WorkerPool,
  type WorkerPoolOptions,
  workerTask,
  WorkerLimitError,
  WorkersBusyError,
  WorkersClosedError,
} from "./index.ts";

const tasks = <Input, Output>(name: string) =>
  workerTask<Input, Output>(import.meta.url, "./worker-pool.test-tasks", name);
const double = tasks<number, number>("double");
const addOne = tasks<{ shared: SharedArrayBuffer }, void>("addOne");
const giveBack = tasks<Float32Array, Float32Array>("giveBack");
const refuse = tasks<undefined, never>("refuse");
const spin = tasks<{ shared: SharedArrayBuffer }, void>("spin");
const nameOf = tasks<string, string>("nameOf");

const never = new AbortController().signal;
const opened: WorkerPool[] = [];
const open = (options: WorkerPoolOptions): WorkerPool => {
  const pool = createWorkerPool(options);
  opened.push(pool);
  return pool;
};
const endings: (() => void)[] = [];
/** A task that runs until `end` is called. */
const endless = () => {
  const shared = new SharedArrayBuffer(4);
  const end = () => {
    Atomics.store(new Int32Array(shared), 0, 1);
    Atomics.notify(new Int32Array(shared), 0);
  };
  endings.push(end);
  return { input: { shared }, end };
};

afterEach(async () => {
  for (const end of endings.splice(0)) end();
  await Promise.all(opened.splice(0).map((pool) => pool.close()));
});

describe.each([
  ["threads", () => open({ size: 2 })],
  ["no threads", () => createInlineWorkers()],
])("a pool of %s", (_name, create) => {
  it("runs tasks and gives what they return", async () => {
    const pool = create();
    const results = [1, 2, 3, 4, 5].map((value) => pool.run(double, value, { signal: never }));
    expect(await Promise.all(results)).toEqual([2, 4, 6, 8, 10]);
  });

  it("shares memory instead of copying it", async () => {
    const shared = new SharedArrayBuffer(16);
    await create().run(addOne, { shared }, { signal: never });
    expect(Array.from(new Int32Array(shared))).toEqual([1, 1, 1, 1]);
  });

  it("gives memory that a task hands over", async () => {
    expect(Array.from(await create().run(giveBack, Float32Array.of(1, 2), { signal: never }))).toEqual([1, 2]);
  });

  it("tells why a task failed", async () => {
    await expect(create().run(refuse, undefined, { signal: never })).rejects.toThrow("no such thing");
  });

  it("begins nothing for a caller who has gone", async () => {
    const gone = AbortSignal.abort(new Error("gone"));
    await expect(create().run(double, 1, { signal: gone })).rejects.toThrow("gone");
  });

  it("finds the sources of other rooms", async () => {
    expect(await create().run(nameOf, "room", { signal: never })).toBe("room");
  });
});

describe("a pool of threads", () => {
  it("takes memory over where it is told to", async () => {
    const numbers = Float32Array.of(1, 2, 3);
    await open({ size: 1 }).run(giveBack, numbers, { signal: never, transfer: [numbers.buffer] });
    expect(numbers.length).toBe(0);
  });

  it("answers a caller who leaves at once, and goes on with others when the task has ended", async () => {
    const pool = open({ size: 1 });
    const leaving = new AbortController();
    const { input, end } = endless();
    const left = pool.run(spin, input, { signal: leaving.signal });
    const next = pool.run(double, 4, { signal: never });
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    expect(pool.figures()).toMatchObject({ waitingCount: 1, maxSize: 1 });
    end();
    expect(await next).toBe(8);
  });

  it("ends a task at its limit, and has a thread for the next", async () => {
    const pool = open({ size: 1 });
    const { input } = endless();
    await expect(pool.run(spin, input, { signal: never, limitMs: 200 })).rejects.toThrow(WorkerLimitError);
    expect(await pool.run(double, 2, { signal: never })).toBe(4);
  });

  it("refuses what its line cannot hold, and forgets who left the line", async () => {
    const pool = open({ size: 1, maxQueued: 1 });
    const { input, end } = endless();
    const running = pool.run(spin, input, { signal: never });
    const leaving = new AbortController();
    const waiting = pool.run(double, 1, { signal: leaving.signal });
    await expect(pool.run(double, 1, { signal: never })).rejects.toThrow(WorkersBusyError);
    leaving.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    expect(pool.figures().waitingCount).toBe(0);
    end();
    await running;
  });

  it("tells those who wait for a task that it was closed", async () => {
    const pool = open({ size: 1 });
    const { input } = endless();
    const running = pool.run(spin, input, { signal: never });
    const waiting = pool.run(double, 1, { signal: never });
    const settled = Promise.allSettled([running, waiting]);
    await pool.close();
    const reasons = (await settled).map((each) => (each.status === "rejected" ? (each.reason as unknown) : undefined));
    expect(reasons).toEqual([expect.any(WorkersClosedError), expect.any(WorkersClosedError)]);
    await expect(pool.run(double, 1, { signal: never })).rejects.toThrow(WorkersClosedError);
  });
});
