import { describe, expect, it } from "@jest/globals";
import { JobQueue } from "./job-queue.ts";

const job = (name: string, urgent: boolean, since = 0) => ({ name, urgent, since, texts: [name] });
const names = (queue: JobQueue<ReturnType<typeof job>>, count: number) =>
  Array.from({ length: count }, () => queue.next()?.name);

describe("JobQueue", () => {
  it("has questions go first, each kind in its order", () => {
    const queue = new JobQueue<ReturnType<typeof job>>();
    for (const each of [job("p1", false), job("q1", true), job("p2", false), job("q2", true)]) queue.push(each);
    expect(queue.texts).toBe(4);
    expect(names(queue, 5)).toEqual(["q1", "q2", "p1", "p2", undefined]);
    expect(queue.texts).toBe(0);
  });

  it("lets passages have a turn after eight questions", () => {
    const queue = new JobQueue<ReturnType<typeof job>>();
    queue.push(job("p", false));
    for (let count = 1; count <= 10; count += 1) queue.push(job(`q${count}`, true));
    expect(names(queue, 11)).toEqual(["q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "p", "q9", "q10"]);
  });

  it("knows what has waited longest", () => {
    const queue = new JobQueue<ReturnType<typeof job>>();
    expect(queue.oldest).toBeUndefined();
    for (const each of [job("q", true, 2), job("p", false, 1)]) queue.push(each);
    expect(queue.oldest?.name).toBe("p");
  });

  it("forgets whom nobody waits for", () => {
    const queue = new JobQueue<ReturnType<typeof job>>();
    const gone = job("gone", true);
    queue.push(gone);
    queue.push(job("here", true));
    queue.remove(gone);
    queue.remove(gone);
    expect(queue.texts).toBe(1);
    expect(names(queue, 2)).toEqual(["here", undefined]);
  });
});
