import { describe, expect, it } from "@jest/globals";
import { createBenchCorpus } from "./corpus.ts";

describe("createBenchCorpus", () => {
  const size = { documentCount: 40, queryCount: 20 };

  it("is the same every time", () => {
    expect(createBenchCorpus(size)).toEqual(createBenchCorpus(size));
  });

  it("is of two languages, and asks about what it holds", () => {
    const { documents, queries } = createBenchCorpus(size);
    expect(documents.filter(({ text }) => /\p{Script=Hangul}/u.test(text))).toHaveLength(10);
    expect(new Set(documents.map(({ id }) => id)).size).toBe(40);
    const all = documents.map(({ text }) => text).join(" ");
    for (const query of queries) expect(all).toContain(query.split(" ").slice(0, 7).join(" "));
  });
});
