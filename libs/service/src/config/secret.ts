import { inspect } from "node:util";

const HIDDEN = "[secret]";

/**
 * A value that must never be printed. String conversion, JSON and util.inspect all show `[secret]`;
 * only `reveal()` gives the value, so every place that uses it can be found by name.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Pass it straight to the driver that needs it; never into a message, a label or a log. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
