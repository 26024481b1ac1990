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

  it("is the embedder's own while nothing has vectors", async () => {
    expect(
      chooseQuerySpace([
        { spaceId: undefined, vectorCount: 0 },
        { spaceId: "old", vectorCount: 0 },
      ]),
    ).toBeUndefined();
    const embed = createQueryEmbedder({
      space: { get: () => undefined, invalidate: () => undefined },
      embed: async (_, spaceId) => ({ vector: 1, spaceId: spaceId ?? "own", cached: false, usage: undefined }),
    });
    const call = { signal: new AbortController().signal, timeoutMs: 1, floorMs: 0, origin: undefined };
    expect((await embed("질문", call)).spaceId).toBe("own");
  });
});
