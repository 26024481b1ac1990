import { once } from "node:events";
import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { printable } from "../domain/printable.ts";

/** What a command writes to. Results go to stdout; everything else, such as notes and progress, to stderr. */
export interface Terminal {
  /** Writes a result as it is: text of documents must go through `safe` or `line` first. */
  write(text: string): void;
  /** Writes one line of a result, without control characters. */
  line(text?: string): void;
  /** Writes a result as JSON, indented on a terminal and on one line elsewhere. */
  json(value: unknown): void;
  /** Writes one of many results as JSON, each on one line. */
  jsonLine(value: unknown): void;
  /** Resolves when stdout takes more: whoever writes much waits for it, so that it does not pile up here. */
  drained(): Promise<void>;
  /** Tells the user something that is no result. */
  note(text: string): void;
  /** Tells the user that something went wrong. */
  problem(text: string): void;
  /** A bar on stderr, on a terminal only; nothing elsewhere. */
  progress(label: string): Progress;
  /** Text without what a terminal would act on. */
  safe(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

/** A bar that is drawn anew as work goes on. */
export interface Progress {
  /** Whether there is a bar; where not, nobody sees how far it is. */
  readonly isShown: boolean;
  /** @param share of the work that is done, in `[0, 1]` */
  update(share: number, detail: string): void;
  /** Takes the bar away. */
  end(): void;
}

export interface TerminalOptions {
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  /** No notes and no progress: a script reads along. Problems are still told. Default false. */
  readonly quiet?: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** Colour only where a terminal shows it, and never with NO_COLOR: `styleText` looks at the stream and the environment. */
const styled = (stream: WriteStream, style: Style, text: string) => styleText(style, text, { stream });

export function createTerminal({ stdout, stderr, quiet = false }: TerminalOptions): Terminal {
  const withProgress = stderr.isTTY && !quiet;
  let bar = "";
  const erase = () => (bar === "" ? "" : "\r\u001b[2K");
  const tell = (text: string) => stderr.write(`${erase()}${text}\n${bar}`);
  return {
    write: (text) => void stdout.write(text),
    line: (text = "") => void stdout.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, undefined, stdout.isTTY ? 2 : undefined)}\n`),
    jsonLine: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    drained: async () => {
      if (stdout.writableNeedDrain) await once(stdout, "drain");
    },
    note: (text) => void (quiet || tell(styled(stderr, "dim", printable(text)))),
    problem: (text) => void tell(styled(stderr, "red", printable(text))),
    progress: (label) => (withProgress ? createBar(stderr, label, (text) => (bar = text)) : silent),
    safe: printable,
    bold: (text) => styled(stdout, "bold", text),
    dim: (text) => styled(stdout, "dim", text),
  };
}

const silent: Progress = { isShown: false, update: () => undefined, end: () => undefined };

const barWidth = 24;
const redrawMs = 100;

/** Of a terminal that does not tell its width. */
const defaultColumns = 80;

function createBar(stderr: WriteStream, label: string, remember: (bar: string) => void): Progress {
  let drawnAt = 0;
  const draw = (text: string) => {
    remember(text);
    stderr.write(`\r\u001b[2K${text}`);
  };
  return {
    isShown: true,
    update(share, detail) {
      const now = performance.now();
      if (now - drawnAt < redrawMs && share < 1) return;
      drawnAt = now;
      const filled = Math.round(Math.min(Math.max(share, 0), 1) * barWidth);
      const text = `${label} ${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${detail}`;
      draw(text.slice(0, (stderr.columns || defaultColumns) - 1));
    },
    end: () => draw(""),
  };
}
