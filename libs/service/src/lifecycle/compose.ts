import { DEFAULT_START_LIMIT_MS, DEFAULT_STOP_LIMIT_MS } from "./component.ts";
import type { Component } from "./component.ts";
import { within } from "./within.ts";

/**
 * Several components as one: started in order, stopped in reverse, each within its own limit.
 *
 * - When one does not start, it and those before it are stopped, and its error is thrown, within an AggregateError when
 *   stopping went wrong as well.
 * - When one does not stop, the others are stopped all the same, and what went wrong is thrown at the end.
 * - When the signal of `stop` is aborted, each of those left is told so and not waited for.
 */
export function composeComponents(name: string, components: readonly Component[]): Component {
  const running: Component[] = [];
  let stopping: Promise<readonly unknown[]> | undefined;

  const stopRunning = async (signal: AbortSignal): Promise<readonly unknown[]> => {
    const errors: unknown[] = [];
    for (let each = running.pop(); each !== undefined; each = running.pop()) {
      const component = each;
      const limitMs = component.stopLimitMs ?? DEFAULT_STOP_LIMIT_MS;
      await within(`${component.name}: stop`, { signal, limitMs }, (limited) => component.stop(limited)).catch(
        (error: unknown) => errors.push(error),
      );
    }
    return errors;
  };

  /** A start that failed and a stop from outside may meet: both wait for the same sweep. */
  const stopOnce = (signal: AbortSignal): Promise<readonly unknown[]> => {
    stopping ??= stopRunning(signal).finally(() => (stopping = undefined));
    return stopping;
  };

  return {
    name,
    startLimitMs: sum(components.map(({ startLimitMs = DEFAULT_START_LIMIT_MS }) => startLimitMs)),
    stopLimitMs: sum(components.map(({ stopLimitMs = DEFAULT_STOP_LIMIT_MS }) => stopLimitMs)),
    start: async (signal) => {
      try {
        for (const component of components) {
          signal.throwIfAborted();
          running.push(component);
          const limitMs = component.startLimitMs ?? DEFAULT_START_LIMIT_MS;
          await within(`${component.name}: start`, { signal, limitMs }, (limited) => component.start(limited));
        }
      } catch (error) {
        const errors = await stopOnce(new AbortController().signal);
        throw errors.length === 0 ? error : new AggregateError([error, ...errors], `${name}: start failed`);
      }
    },
    stop: async (signal) => {
      const errors = await stopOnce(signal);
      if (errors.length === 1) throw errors[0];
      if (errors.length > 1) throw new AggregateError(errors, `${name}: ${errors.length} parts did not stop cleanly`);
    },
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
