import { describe, expect, it } from "@jest/globals";
import { until } from "@quartet/testing";
import { createMissedInvalidations, type Missed } from "./missed-invalidations.ts";

describe("a process that did not empty its caches", () => {
  it("is asked again until it does, each tenant's part once", async () => {
    const asked: Missed<string>[] = [];
    let isThere = false;
    const missed = createMissedInvalidations<string>({
      everything: "*",
      everyMs: 2,
      repeat: async (each) => {
        asked.push(each);
        if (!isThere) throw new Error("away");
      },
    });
    missed.add({ replica: "retrieval 1", service: "retrieval", tenant: "a", selector: "x" });
    missed.add({ replica: "retrieval 2", service: "retrieval", tenant: "a", selector: "x" });
    missed.add({ replica: "retrieval 1", service: "retrieval", tenant: "a", selector: "y" });
    missed.add({ replica: "retrieval 1", service: "retrieval", tenant: "b", selector: "y" });
    expect(missed.count).toBe(3);
    await until(() => asked.length >= 6);
    isThere = true;
    await until(() => missed.count === 0);
    expect(asked.slice(-3)).toEqual([
      { replica: "retrieval 1", service: "retrieval", tenant: "a", selector: "*" },
      { replica: "retrieval 2", service: "retrieval", tenant: "a", selector: "x" },
      { replica: "retrieval 1", service: "retrieval", tenant: "b", selector: "y" },
    ]);
    missed.add({ replica: "retrieval 1", service: "retrieval", tenant: "a", selector: "z" });
    await until(() => missed.count === 0);
    expect(asked.at(-1)?.selector).toBe("z");
    missed.close();
  });

  it("is asked no more once the gateway goes down", async () => {
    let asked = 0;
    const missed = createMissedInvalidations<string>({
      everything: "*",
      everyMs: 1,
      repeat: async () => void asked++,
    });
    missed.add({ replica: "retrieval 1", service: "retrieval", tenant: "a", selector: "x" });
    missed.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([asked, missed.count]).toEqual([0, 0]);
  });
});
