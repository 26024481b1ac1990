/**
 * What `work` gives, or undefined when it takes longer. A reply that came while this process was busy is not late: once the timer has
 * fired, what lies in the sockets is read before the verdict.
 */
export async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  let verdict: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // Node reads sockets between timers and immediates.
    verdict = setImmediate(() => resolve(undefined));
  }, limitMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    clearImmediate(verdict);
  }
}
