import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { turnsEnd } from "./index.ts";

it("comes once for all who wait in a turn, after what was ready in it, and in each turn anew", async () => {
  for (let turn = 1; turn <= 2; turn += 1) {
    const done: string[] = [];
    const wait = async (name: string) => {
      await turnsEnd();
      done.push(name);
    };
    void wait("a");
    await Promise.resolve();
    void wait("b");
    process.nextTick(() => done.push("ready"));
    expect(turnsEnd()).toBe(turnsEnd());
    await nextTurn();
    expect(done).toEqual(["ready", "a", "b"]);
  }
});
