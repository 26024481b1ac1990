import { describe, expect, it } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { type StreamRound, type StreamSlice, streamReport } from "./measure-stream.ts";
import { burst, loadStreams } from "./stream-load.ts";

describe("a load of streams", () => {
  it("keeps as many answers going as asked, and begins them one after the other", async () => {
    let [now, most] = [0, 0];
    const beganAt: number[] = [];
    const send = async () => {
      beganAt.push(performance.now());
      most = Math.max(most, (now += 1));
      await sleep(40);
      now -= 1;
      return { firstMs: 10, totalMs: 40 };
    };
    const startedAt = performance.now();
    const load = await loadStreams({ send, atOnce: 4, answerMs: 40, durationMs: 1_500, cpuMs: () => 0 });
    expect(most).toBe(4);
    // Timers are late at times, and never early: the fourth begins after three quarters of an answer.
    expect(beganAt[3]! - startedAt).toBeGreaterThan(28);
    expect(load).toMatchObject({ firstP50Ms: 10, totalP50Ms: 40, errors: 0 });
    expect(load.count).toBeLessThan(beganAt.length);
  });

  it("counts what failed apart, and CPU time within the time alone", async () => {
    let clock = 0;
    const send = async (index: number) => {
      clock += 2;
      await sleep(5);
      if (index % 2 === 1) throw new Error("cut");
      return { firstMs: 1, totalMs: 2 };
    };
    const { errors, firstError, cpuMsPerAnswer } = await loadStreams({
      ...{ send, atOnce: 2, answerMs: 10, durationMs: 1_500 },
      cpuMs: () => clock,
    });
    expect(errors).toBeGreaterThan(0);
    expect(firstError).toBe("Error: cut");
    // Two milliseconds for each, of which half failed.
    expect(cpuMsPerAnswer).toBeGreaterThan(2.5);
    expect(cpuMsPerAnswer).toBeLessThan(6);
  });

  it("takes the median of a burst", async () => {
    expect(await burst(async (index) => ({ firstMs: [5, 1, 9][index]!, totalMs: 10 }), 3)).toBe(5);
  });
});

describe("the report", () => {
  const slice = (answersPerSecond: number, firstP50Ms: number, errors = 0): StreamSlice => ({
    ...{ answersPerSecond, firstP50Ms, errors, firstP95Ms: 300, totalP50Ms: 1_200, cpuMsPerAnswer: 5, count: 100 },
    firstError: undefined,
    burstP50Ms: 250,
  });
  const round = (standalone: StreamSlice, services: StreamSlice): StreamRound => ({
    direct: slice(84, 201),
    proxy: slice(80, 203),
    standalone,
    services,
    grounded: slice(70, 260),
  });

  it("compares with the proxy within a round", () => {
    const { cells, targets } = streamReport([
      round(slice(78, 210), slice(70, 220)),
      round(slice(80, 212), slice(60, 215)),
    ]);
    const standalone = cells.find(({ subject }) => subject === "standalone")!;
    expect(standalone).toMatchObject({ addedMs: 8, addedToDirectMs: 10 });
    expect(standalone.ratioToProxy).toBeCloseTo(0.9875);
    expect(targets.map(({ subject, met }) => [subject, met])).toEqual([
      ["standalone", true],
      ["standalone", true],
      ["services", false],
      ["services", false],
    ]);
  });

  it("meets nothing with errors", () => {
    const { targets } = streamReport([round(slice(80, 204, 1), slice(80, 204))]);
    expect(targets.map(({ met }) => met)).toEqual([false, false, true, true]);
  });
});
