import { describe, expect, it } from "@jest/globals";
import { waitUntilSearchable } from "./searchable.ts";

const change = { collection: "default", recordSeq: 5n, documentIds: ["a"] };

describe("waiting until a put is searchable", () => {
  it("looks until the keyword index has come as far as the put", async () => {
    const seqs = [3n, 4n, 5n];
    const looks: number[] = [];
    const degradations = await waitUntilSearchable(
      [change],
      {
        indexDocuments: async () => 0,
        projectedSeqs: async () => new Map([["default", seqs.shift()!]]),
        sleep: async (ms) => void looks.push(ms),
      },
      new AbortController().signal,
    );
    expect([degradations, looks]).toEqual([[], [20, 40]]);
  });

  it("says which of the two it waited for in vain when the time is over", async () => {
    const end = new AbortController();
    const degradations = await waitUntilSearchable(
      [change],
      {
        indexDocuments: async () => 0,
        projectedSeqs: async () => new Map(),
        sleep: async () => end.abort(),
      },
      end.signal,
    );
    expect(degradations.map(({ hop, reason }) => [hop, reason])).toEqual([["retrieval", "OUT_OF_TIME"]]);
  });

  it("says that some content cannot be embedded", async () => {
    const degradations = await waitUntilSearchable(
      [change],
      {
        indexDocuments: async () => 1,
        projectedSeqs: async () => new Map([["default", 9n]]),
        sleep: async () => undefined,
      },
      new AbortController().signal,
    );
    expect(degradations.map(({ hop, reason }) => [hop, reason])).toEqual([["embedding", "EMBED_SHAPE"]]);
  });
});
