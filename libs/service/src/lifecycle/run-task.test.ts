import { EventEmitter } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { runTask } from "./run-task.ts";
import { StartError, UsageError } from "./start-error.ts";

class FakeProcess extends EventEmitter {
  readonly env = { NAME: "value" };
  readonly exits: number[] = [];
  out = "";
  err = "";
  readonly stdout = { write: (text: string) => (this.out += text) };
  readonly stderr = { write: (text: string) => (this.err += text) };
  exit(code: number): void {
    this.exits.push(code);
  }
}

describe("runTask", () => {
  it("gives the task its environment, prints what it says and ends with 0", async () => {
    const process = new FakeProcess();
    const code = await runTask(async ({ NAME }, { print }) => print(`done with ${NAME}`), { process });
    expect([code, process.exits, process.out, process.err]).toEqual([0, [0], "done with value\n", ""]);
    expect(process.listenerCount("SIGTERM")).toBe(0);
  });

  it("shows what the operator can mend as it is, and a defect with its stack", async () => {
    const known = new FakeProcess();
    await runTask(() => Promise.reject(new StartError("Set NAME.")), { process: known });
    expect([known.exits, known.err]).toEqual([[1], "Set NAME.\n"]);
    const defect = new FakeProcess();
    await runTask(() => Promise.reject(new TypeError("of undefined")), { process: defect });
    expect(defect.exits).toEqual([1]);
    expect(JSON.parse(defect.err)).toMatchObject({ level: 60, err: { message: "of undefined" } });
  });

  it("tells wrong usage from a failure", async () => {
    const process = new FakeProcess();
    expect(await runTask(() => Promise.reject(new UsageError("usage: task NAME")), { process })).toBe(2);
    expect([process.exits, process.err]).toEqual([[2], "usage: task NAME\n"]);
  });

  it("tells the task to stop", async () => {
    const process = new FakeProcess();
    const running = runTask(
      (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      { process },
    );
    process.emit("SIGINT");
    expect(await running).toBe(1);
    expect(process.err).toContain("Run it again");
  });
});
