import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { describe, expect, it } from "@jest/globals";
import { createTerminal } from "./terminal.ts";

const stream = (isTTY: boolean, columns = 80) => {
  const sink = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY, columns });
  return { stream: sink as unknown as WriteStream, text: () => String(sink.read() ?? "") };
};

const terminalWith = (isTTY: boolean, quiet = false) => {
  const stdout = stream(isTTY);
  const stderr = stream(isTTY, 40);
  return { terminal: createTerminal({ stdout: stdout.stream, stderr: stderr.stream, quiet }), stdout, stderr };
};

describe("a terminal", () => {
  it("keeps results and everything else apart", () => {
    const { terminal, stdout, stderr } = terminalWith(false);
    terminal.line("결과");
    terminal.note("알림 \u001b[2J");
    terminal.problem("문제");
    expect(stdout.text()).toBe("결과\n");
    expect(stderr.text()).toBe("알림 [2J\n문제\n");
  });

  it("prints JSON for people on a terminal, and for programs elsewhere", () => {
    const piped = terminalWith(false);
    piped.terminal.json({ a: [1] });
    expect(piped.stdout.text()).toBe('{"a":[1]}\n');
    const shown = terminalWith(true);
    shown.terminal.json({ a: [1] });
    expect(shown.stdout.text()).toBe('{\n  "a": [\n    1\n  ]\n}\n');
  });

  it("draws progress on a terminal only, around what is told meanwhile, and takes it away", () => {
    const { terminal, stderr } = terminalWith(true);
    const bar = terminal.progress("Indexing");
    bar.update(0.5, "half of it");
    terminal.note("between");
    bar.update(1, "a detail that is longer than the screen is wide");
    bar.end();
    terminal.note("after");
    const erase = "\r\u001b[2K";
    const half = `Indexing ${"█".repeat(12)}${"░".repeat(12)} half of`;
    const whole = `Indexing ${"█".repeat(24)} a deta`;
    const plain = stderr.text().replaceAll(/\u001b\[\d+m/g, "");
    expect(plain).toBe(
      `${erase}${half.slice(0, 39)}${erase}between\n${half.slice(0, 39)}${erase}${whole.slice(0, 39)}${erase}after\n`,
    );
  });

  it("draws on a terminal that does not tell its width", () => {
    const stderr = stream(true, 0);
    createTerminal({ stdout: stream(true).stream, stderr: stderr.stream })
      .progress("Indexing")
      .update(1, "done");
    expect(stderr.text()).toContain("█ done");
  });

  it.each([
    [false, false],
    [true, true],
  ])("draws nothing when piped or quiet (terminal %s, quiet %s)", (isTTY, quiet) => {
    const { terminal, stderr } = terminalWith(isTTY, quiet);
    const bar = terminal.progress("Indexing");
    bar.update(0.5, "half");
    bar.end();
    if (quiet) terminal.note("unheard");
    expect(stderr.text()).toBe("");
  });
});
