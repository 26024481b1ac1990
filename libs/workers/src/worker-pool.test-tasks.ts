import { createBulkhead } from "@quartet/resilience";
import { moved } from "./worker-task.ts";

/** What the tests of the pool run in threads. */
export const double = (value: number): number => value * 2;

export const addOne = ({ shared }: { readonly shared: SharedArrayBuffer }): void => {
  const numbers = new Int32Array(shared);
  for (let index = 0; index < numbers.length; index += 1) numbers[index]! += 1;
};

export const giveBack = (numbers: Float32Array): Float32Array => moved(numbers, [numbers.buffer]);

export const refuse = (): never => {
  throw new RangeError("no such thing");
};

/** Runs until the shared number is no longer 0. */
export const spin = ({ shared }: { readonly shared: SharedArrayBuffer }): void => {
  const numbers = new Int32Array(shared);
  Atomics.wait(numbers, 0, 0);
};

/** Whether other rooms are found. */
export const nameOf = (name: string): string => createBulkhead({ name, maxInFlight: 1 }).name;
