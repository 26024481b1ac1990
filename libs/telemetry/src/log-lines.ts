import { type DestinationStream, pino } from "pino";

/** Where lines go. */
interface Lines {
  write(text: string): void;
}

/** Lines that wait are written when they are as long as this together. */
const MAX_WAITING_UNITS = 16 * 1024;
/** pino's levels; warnings and what is worse. */
const AT_ONCE = 40;

/**
 * Lines on their way to `output`. Those of one turn of the event loop are written together at its end, as each write costs more than making its line;
 * a warning or worse at once, with all that were before it. So a process that is killed loses what it said in its last turn at most.
 */
export class TogetherWritten implements DestinationStream {
  /** Asks pino to tell `lastLevel` before it writes. */
  readonly [pino.symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  readonly #output: Lines;
  #waiting = "";
  #atTurnsEnd: NodeJS.Immediate | undefined;
  #isLastTurn = false;

  constructor(output: Lines) {
    this.#output = output;
  }

  write(line: string): void {
    this.#waiting += line;
    const isUrgent = this.lastLevel >= AT_ONCE || this.#isLastTurn;
    if (isUrgent || this.#waiting.length >= MAX_WAITING_UNITS) this.flush();
    else this.#atTurnsEnd ??= setImmediate(() => this.flush());
  }

  /** There is no other turn: writes what waits, and what is still to come at once. */
  end(): void {
    this.#isLastTurn = true;
    this.flush();
  }

  /** Writes what waits. */
  flush(): void {
    clearImmediate(this.#atTurnsEnd);
    this.#atTurnsEnd = undefined;
    const text = this.#waiting;
    this.#waiting = "";
    if (text !== "") this.#output.write(text);
  }
}

let ofProcess: TogetherWritten | undefined;

/** Standard error of this process, for all of its loggers. What is left is written when the process exits, or fails by an error that nobody caught. */
export function standardError(): TogetherWritten {
  if (ofProcess !== undefined) return ofProcess;
  const lines = new TogetherWritten(pino.destination({ dest: 2, sync: true }));
  process.on("exit", () => lines.end());
  return (ofProcess = lines);
}
