import { describe, expect, it } from "@jest/globals";
import { type ActiveSpaces, chooseQuerySpace, createQueryEmbedder } from "./query-space.ts";

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

  const everything = () => true;
  const active = (...ids: string[]): ActiveSpaces =>
    ids.map((spaceId, index) => ({ collection: `c${index}`, spaceId, vectorCount: 10 - index }));

  function setUp(known: ActiveSpaces | Promise<ActiveSpaces>) {
    const state = { now: 0, slept: 0, asked: [] as [string | undefined, number][] };
    const embed = createQueryEmbedder({
      spaces: () => ({ get: () => known }),
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
    const { embed, state } = setUp(active("a"));
    expect((await embed("질문", everything, call)).spaceId).toBe("a");
    expect([state.asked, state.slept]).toEqual([[["a", 100]], 0]);
    const { spaceId } = await setUp(Promise.resolve(active("b"))).embed("질문", everything, call);
    expect(spaceId).toBe("b");
  });

  it("asks for the space of the collections that the search is about", async () => {
    const { embed, state } = setUp(active("a", "b"));
    await embed("질문", (collection) => collection === "c1", call);
    await embed("질문", () => false, call);
    expect(state.asked.map(([spaceId]) => spaceId)).toEqual(["b", undefined]);
  });

  it("waits for the space no longer than leaves time to embed, then guesses the embedder's own", async () => {
    const { embed, state } = setUp(new Promise(() => undefined));
    expect((await embed("질문", everything, call)).spaceId).toBe("own");
    expect(state.asked).toEqual([[undefined, 10]]);
  });

  it("fails when the embedder makes another space than the one that is searched", async () => {
    await expect(setUp(active("gone")).embed("질문", everything, call)).rejects.toMatchObject({
      reason: "EMBEDDING_SPACE_MISMATCH",
    });
  });
});
