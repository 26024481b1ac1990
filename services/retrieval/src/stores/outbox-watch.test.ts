import { describe, expect, it } from "@jest/globals";
import { createOutboxWatch } from "./outbox-watch.ts";

describe("the age of the oldest change", () => {
  it("is looked up once for all who ask within a second", async () => {
    let looks = 0;
    const outbox = { lag: async () => ({ waitingCount: 1, oldestAgeMs: 1_000 * ++looks }) };
    const watch = createOutboxWatch({ outbox, freshMs: 60_000 });
    expect(await Promise.all([watch.oldestAgeMs(), watch.oldestAgeMs()])).toEqual([1_000, 1_000]);
    expect(watch.oldestAgeMs()).toBe(1_000);
    const impatient = createOutboxWatch({ outbox, freshMs: 0 });
    expect([await impatient.oldestAgeMs(), await impatient.oldestAgeMs()]).toEqual([2_000, 3_000]);
  });

  it("is none while the record cannot be asked", async () => {
    const watch = createOutboxWatch({ outbox: { lag: () => Promise.reject(new Error("down")) } });
    expect(await watch.oldestAgeMs()).toBe(0);
  });

  it("is not waited for when the record hangs", async () => {
    const outbox = {
      lag: ({ signal }: { signal: AbortSignal }) =>
        new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
    };
    expect(await createOutboxWatch({ outbox, limitMs: 20 }).oldestAgeMs()).toBe(0);
  });
});
