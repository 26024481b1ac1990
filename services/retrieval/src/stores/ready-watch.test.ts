import { describe, expect, it } from "@jest/globals";
import { StartError } from "@quartet/service";
import { createLogger } from "@quartet/telemetry";
import { createReadyWatch } from "./ready-watch.ts";

const down = () => Promise.reject(new Error("connection refused"));
const up = () => Promise.resolve();

function setUp(checks: Record<string, () => Promise<void>>) {
  const lines: string[] = [];
  const log = createLogger({ service: "test", destination: { write: (line: string) => void lines.push(line) } });
  const stores = Object.keys(checks).map((name) => ({ name, check: () => checks[name]!() }));
  const watch = createReadyWatch({ stores, log, everyMs: 5, checkLimitMs: 60_000 });
  return { checks, lines, watch, [Symbol.dispose]: () => watch.close() };
}

describe("whether stores can be asked", () => {
  it("is so at once where they are up", async () => {
    using process = setUp({ one: up, other: up });
    await process.watch.start();
    expect(process.watch.ready).toBe(true);
  });

  it("takes one of them", async () => {
    using process = setUp({ one: down, other: up });
    await process.watch.start();
    expect(process.watch.ready).toBe(true);
  });

  it("is looked for until it is so, and then stays", async () => {
    using process = setUp({ one: down, other: down });
    const told: boolean[] = [];
    const becameReady = Promise.withResolvers<void>();
    process.watch.watch((ready) => (told.push(ready), ready && becameReady.resolve()));
    await process.watch.start();
    expect([process.watch.ready, told]).toEqual([false, [false]]);
    process.checks.one = up;
    await becameReady.promise;
    process.checks.one = down;
    expect([process.watch.ready, told]).toEqual([true, [false, true]]);
    expect(process.lines.join("")).toContain("cannot be asked yet");
  });

  it("is not waited for where only the operator can help", async () => {
    using process = setUp({ one: () => Promise.reject(new StartError("migrate first")), other: up });
    await expect(process.watch.start()).rejects.toThrow("migrate first");
  });

  it("is looked for no more once closed", async () => {
    const process = setUp({ one: down });
    await process.watch.start();
    process.watch.close();
    let asked = false;
    process.checks.one = async () => void (asked = true);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(asked).toBe(false);
  });
});
