const MAX_ATTEMPTS = 5;

/**
 * How long something takes at the soonest, in milliseconds: the shortest of up to five attempts, of which the first within the time is the last. What a
 * machine does not manage once because it is busy, it manages another time; what waits for a clock of its own takes as long each time.
 */
export async function soonestMs(withinMs: number, attempt: () => Promise<number>): Promise<number> {
  let soonest = Infinity;
  for (let attempts = 0; attempts < MAX_ATTEMPTS && soonest >= withinMs; attempts += 1) {
    soonest = Math.min(soonest, await attempt());
  }
  return soonest;
}
