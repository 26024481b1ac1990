import { EventEmitter } from "node:events";
import { describe, expect, it, jest } from "@jest/globals";
import { ConfigError } from "../config/parse-env.ts";
import type { Component } from "./component.ts";
import { composeComponents } from "./compose.ts";
import { runMain } from "./run-main.ts";
import type { ProcessLike } from "./run-main.ts";
import { StartError } from "./start-error.ts";

class FakeProcess extends EventEmitter implements ProcessLike {
  readonly env = { QUARTET_PORT: "0" };
  readonly exits: number[] = [];
  text = "";
  readonly stderr = { write: (text: string) => (this.text += text) };
  exit(code: number): void {
    this.exits.push(code);
  }
  get messages(): string[] {
    return this.text
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  }
}

const never = () => new Promise<void>(() => {});
const app = (overrides: Partial<Component> = {}): Component => ({
  name: "app",
  start: async () => {},
  stop: async () => {},
  ...overrides,
});
/** Waits until the process has said it, so that no test sleeps. */
const said = async (process: FakeProcess, message: string) => {
  while (!process.text.includes(message)) await new Promise((resolve) => setImmediate(resolve));
};

describe("runMain", () => {
  it.each(["SIGTERM", "SIGINT"])("drains and exits 0 on %s", async (signal) => {
    const process = new FakeProcess();
    const stop = jest.fn(async () => {});
    const code = runMain((environment) => (expect(environment).toBe(process.env), app({ stop })), { process });
    await said(process, "started");
    expect(process.exits).toEqual([]);
    process.emit(signal, signal);
    expect(await code).toBe(0);
    expect(process.exits).toEqual([0]);
    expect(stop).toHaveBeenCalledTimes(1);
    expect(process.messages).toEqual(["started", "draining", "stopped"]);
    expect(process.eventNames()).toEqual([]);
  });

  it("prints each mistake of the configuration on its line and nothing else, and exits 1", async () => {
    const process = new FakeProcess();
    const createApp = () => {
      throw new ConfigError(["QUARTET_PORT: is wrong.", "RAG_DEVICE: is wrong."]);
    };
    expect(await runMain(createApp, { process })).toBe(1);
    expect(process.text).toBe("QUARTET_PORT: is wrong.\nRAG_DEVICE: is wrong.\n");
    expect(process.exits).toEqual([1]);
  });

  it("exits 1 when the app cannot be made, or does not start, and stops what was started", async () => {
    const process = new FakeProcess();
    const broken = async () => {
      throw new Error("port taken");
    };
    expect(await runMain(broken, { process })).toBe(1);
    const stop = jest.fn(async () => {});
    expect(await runMain(() => composeComponents("app", [app({ stop }), app({ start: broken })]), { process })).toBe(1);
    expect(stop).toHaveBeenCalledTimes(1);
    expect(process.messages).toEqual(["could not be made ready to start", "did not start"]);
    expect(process.text).toContain("port taken");
  });

  it("says in words, and nothing else, what whoever runs it can mend", async () => {
    const inUse = Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE", port: 8080 });
    const process = new FakeProcess();
    expect(await runMain(() => app({ start: () => Promise.reject(new StartError("Mend it.")) }), { process })).toBe(1);
    expect(await runMain(() => app({ start: () => Promise.reject(inUse) }), { process })).toBe(1);
    expect(process.text).toMatch(/^Mend it\.\nPort 8080 is in use by another process\. [^\n]+\n$/);
  });

  it("gives up the start on a signal, drains, and exits 0", async () => {
    const process = new FakeProcess();
    const stop = jest.fn(async () => {});
    const { promise: starting, resolve } = Promise.withResolvers<void>();
    const code = runMain(() => app({ stop, start: () => (resolve(), never()) }), { process });
    await starting;
    process.emit("SIGTERM");
    expect(await code).toBe(0);
    expect(stop).toHaveBeenCalledTimes(1);
    expect(process.messages).toEqual(["draining", "stopped before it had started"]);
  });

  it("exits 1 when the grace time is over, or a part does not stop", async () => {
    for (const stop of [never, () => Promise.reject(new Error("stuck"))]) {
      const process = new FakeProcess();
      const code = runMain(() => app({ stop }), { process, graceMs: 5 });
      await said(process, "started");
      process.emit("SIGTERM");
      expect(await code).toBe(1);
      expect(process.messages).toEqual(["started", "draining", "did not stop cleanly"]);
    }
  });

  it("exits inside the grace time even when the app is never made", async () => {
    const process = new FakeProcess();
    const code = runMain(() => new Promise<Component>(() => {}), { process, graceMs: 5 });
    process.emit("SIGTERM");
    expect(await code).toBe(1);
    expect(process.messages).toEqual(["draining", "could not be made ready to start"]);
  });

  it("leaves at once on a second signal, but not on the repeat that npm sends", async () => {
    const now = jest.spyOn(performance, "now").mockReturnValue(1_000);
    const process = new FakeProcess();
    const { promise: drained, resolve: drain } = Promise.withResolvers<void>();
    const code = runMain(() => app({ stop: () => drained }), { process });
    await said(process, "started");
    process.emit("SIGINT");
    now.mockReturnValue(1_499);
    process.emit("SIGINT");
    expect(process.exits).toEqual([]);
    now.mockReturnValue(1_500);
    process.emit("SIGINT");
    expect(await code).toBe(130);
    expect(process.exits).toEqual([130]);
    now.mockRestore();
    drain();
  });

  it.each(["uncaughtException", "unhandledRejection"])("logs an %s and exits 1", async (event) => {
    const process = new FakeProcess();
    const fatal = jest.fn();
    const log = { info: () => {}, warn: () => {}, error: () => {}, fatal };
    const code = runMain(() => ({ ...app(), log }), { process });
    await new Promise((resolve) => setImmediate(resolve));
    const fault = new Error("nobody handled it", { cause: "why" });
    process.emit(event, fault);
    expect(await code).toBe(1);
    expect(fatal).toHaveBeenCalledWith({ err: fault }, "a fault that nothing handled: leaving");
    expect(process.text).toBe("");
  });

  it("logs what an error says and not what it carries", async () => {
    const process = new FakeProcess();
    const cause: Error & { cause?: unknown } = Object.assign(new Error("inner"), { headers: "Bearer sk-canary" });
    cause.cause = cause;
    const error = new AggregateError([new Error("part")], "outer", { cause });
    expect(await runMain(() => app({ start: () => Promise.reject(error) }), { process })).toBe(1);
    expect(process.text).toMatch(/outer.*inner.*part/);
    expect(process.text).not.toContain("sk-canary");
  });
});
