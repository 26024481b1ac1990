import { describe, expect, it } from "@jest/globals";
import { chooseQuerySpace, createQueryEmbedder } from "./query-space.ts";

describe("the space of questions", () => {
  it("is the active one that most vectors are in, the same on every replica", () => {
    const a = { spaceId: "a", vectorCount: 10 };
    const b = { spaceId: "b", vectorCount: 6 };
    expect(chooseQuerySpace([a, b])).toBe("a");
    expect(chooseQuerySpace([b, a, b])).toBe("b");
    expect(chooseQuerySpace([{ spaceId: "c", vectorCount: 10 }, a])).toBe("a");
  });

  it("is the embedder's own while nothing has vectors", () => {
    const spaces = [
      { spaceId: undefined, vectorCount: 0 },
      { spaceId: "old", vectorCount: 0 },
    ];
    expect(chooseQuerySpace(spaces)).toBeUndefined();
  });
});

describe("embedding a question", () => {
  const call = { signal: new AbortController().signal, timeoutMs: 100, floorMs: 10, origin: undefined };

  function setUp(known: string | undefined | Promise<string | undefined>) {
    const state = { now: 0, slept: 0, asked: [] as [string | undefined, number][] };
    const embed = createQueryEmbedder({
      space: { get: () => known, invalidate: () => undefined },
      embed: async (_, spaceId, { timeoutMs }) => {
        state.asked.push([spaceId, timeoutMs]);
        return { vector: 1, spaceId: spaceId === "gone" ? "own" : (spaceId ?? "own"), cached: false, usage: undefined };
      },
      sleep: async (ms, signal) => {
        state.slept = ms;
        // Time passes only where nothing else is ready.
        for (let turn = 0; turn < 5 && !signal.aborted; turn += 1) await Promise.resolve();
        if (!signal.aborted) state.now += ms;
      },
      now: () => state.now,
    });
    return { state, embed };
  }

  it("asks for the space that is searched, at once where it is known", async () => {
    const { embed, state } = setUp("a");
    expect((await embed("질문", call)).spaceId).toBe("a");
    expect([state.asked, state.slept]).toEqual([[["a", 100]], 0]);
    expect((await setUp(Promise.resolve("b")).embed("질문", call)).spaceId).toBe("b");
  });

  it("waits for the space no longer than leaves time to embed, then guesses the embedder's own", async () => {
    const { embed, state } = setUp(new Promise(() => undefined));
    expect((await embed("질문", call)).spaceId).toBe("own");
    expect(state.asked).toEqual([[undefined, 10]]);
  });

  it("fails when the embedder makes another space than the one that is searched", async () => {
    await expect(setUp("gone").embed("질문", call)).rejects.toMatchObject({ reason: "EMBEDDING_SPACE_MISMATCH" });
  });
});
