import { EventEmitter } from "node:events";
import { describe, expect, it, jest } from "@jest/globals";
import { listenForInterruption } from "./interruption.ts";

const fakeProcess = () => Object.assign(new EventEmitter(), { exit: jest.fn<(code: number) => void>() });

describe("interruption", () => {
  it("aborts once, and takes an echo of the same Ctrl-C for one", () => {
    const process = fakeProcess();
    const { signal, stop } = listenForInterruption(process);
    process.emit("SIGINT");
    process.emit("SIGINT");
    process.emit("SIGTERM");
    expect(signal.aborted).toBe(true);
    expect(process.exit).not.toHaveBeenCalled();
    stop();
    expect(process.eventNames()).toEqual([]);
  });

  it("ends at once when asked again", () => {
    const now = jest.spyOn(performance, "now").mockReturnValue(1_000);
    const process = fakeProcess();
    listenForInterruption(process);
    process.emit("SIGINT");
    now.mockReturnValue(1_600);
    process.emit("SIGINT");
    expect(process.exit).toHaveBeenCalledWith(130);
    now.mockRestore();
  });
});
