import { setTimeout as sleep } from "node:timers/promises";
import type { ChatTimes } from "./chat-client.ts";
import { quantile } from "./load.ts";

/** What a load of streams showed. */
export interface StreamLoad {
  readonly answersPerSecond: number;
  readonly firstP50Ms: number;
  readonly firstP95Ms: number;
  readonly totalP50Ms: number;
  /** CPU time of the server's processes for each answer, in milliseconds. */
  readonly cpuMsPerAnswer: number;
  readonly count: number;
  readonly errors: number;
  /** What the first of them was. */
  readonly firstError: string | undefined;
}

export interface StreamLoadOptions {
  /** Sends one chat and reads its answer; rejects when it was not whole. */
  readonly send: (index: number) => Promise<ChatTimes>;
  /** How many answers are being read at any time. */
  readonly atOnce: number;
  /** How long an answer takes at the least: those of the start are spread over it, and are no part of the figures. */
  readonly answerMs: number;
  readonly durationMs: number;
  /** CPU time that the server has used so far, in milliseconds. */
  readonly cpuMs: () => number;
}

/**
 * Keeps a number of answers going. The first begin one after the other over the length of an answer, as people ask: had all begun at the same
 * moment they would go on doing so, since all answers are of one length. Answers that end within the time are counted.
 */
export async function loadStreams(options: StreamLoadOptions): Promise<StreamLoad> {
  const { send, atOnce, answerMs, durationMs, cpuMs } = options;
  const seen: ChatTimes[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const start = performance.now();
  const [from, to] = [start + 2 * answerMs, start + 2 * answerMs + durationMs];
  const worker = async (number: number) => {
    await sleep((number * answerMs) / atOnce);
    while (performance.now() < to) {
      const times = await send(next++).catch((error: unknown) => void failures.push(error));
      const endedAt = performance.now();
      if (times && endedAt >= from && endedAt < to) seen.push(times);
    }
  };
  const workers = Array.from({ length: atOnce }, (_, number) => worker(number));
  await sleep(from - performance.now());
  const before = cpuMs();
  await sleep(to - performance.now());
  const cpu = cpuMs() - before;
  await Promise.all(workers);
  const sorted = (of: (times: ChatTimes) => number) => seen.map(of).sort((one, two) => one - two);
  const firsts = sorted(({ firstMs }) => firstMs);
  return {
    answersPerSecond: (seen.length * 1000) / durationMs,
    firstP50Ms: quantile(firsts, 0.5),
    firstP95Ms: quantile(firsts, 0.95),
    totalP50Ms: quantile(
      sorted(({ totalMs }) => totalMs),
      0.5,
    ),
    cpuMsPerAnswer: cpu / seen.length,
    count: seen.length,
    errors: failures.length,
    firstError: failures.length > 0 ? String(failures[0]) : undefined,
  };
}

/** Times to the first token when all begin at the same moment, once: the median. */
export async function burst(send: (index: number) => Promise<ChatTimes>, atOnce: number): Promise<number> {
  const times = await Promise.all(Array.from({ length: atOnce }, (_, index) => send(index)));
  return quantile(
    times.map(({ firstMs }) => firstMs).sort((one, two) => one - two),
    0.5,
  );
}
