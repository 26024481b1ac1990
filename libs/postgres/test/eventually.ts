import { setTimeout as sleep } from "node:timers/promises";

/** Waits until the check holds, for as long as a busy machine may need. */
export async function eventually(check: () => Promise<void>, limitMs = 15_000): Promise<void> {
  for (const deadline = performance.now() + limitMs; ;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
