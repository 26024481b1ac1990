import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { sourcesKind } from "./config-sources.ts";
import type { Source } from "./domain/source.ts";

const mistakesIn = (text: string): readonly string[] => {
  const reading = sourcesKind.parse(text);
  return "mistakes" in reading ? reading.mistakes : [];
};

describe("sources as an operator writes them", () => {
  it("are a name, a kind and settings in any order, on one line or several", () => {
    const text = `corpus hybrid
      persona  hybrid timeout=300ms collections=persona,profile weight=0.5 ;; archive keyword collections=archive default=off;`;
    expect(sourcesKind.parse(text)).toEqual({
      value: [
        { name: "corpus", kind: "hybrid" },
        { name: "persona", kind: "hybrid", collections: ["persona", "profile"], weight: 0.5, timeLimitMs: 300 },
        { name: "archive", kind: "keyword", collections: ["archive"], byDefault: false },
      ],
    });
  });

  it("read as they are shown", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/);
    const source: fc.Arbitrary<Source> = fc.record(
      {
        name,
        kind: fc.constantFrom("hybrid", "keyword", "vector"),
        collections: fc
          .uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/), { minLength: 1, maxLength: 5 })
          .map((names) => names.sort()),
        weight: fc.integer({ min: 1, max: 1_000_000 }).map((thousandths) => thousandths / 1000),
        timeLimitMs: fc.integer({ min: 10, max: 60_000 }),
        byDefault: fc.constant(true),
      },
      { requiredKeys: ["name", "kind"] },
    );
    const sources = fc.uniqueArray(source, { minLength: 1, maxLength: 16, selector: (each) => each.name });
    fc.assert(
      fc.property(sources, (value) => {
        expect(sourcesKind.parse(sourcesKind.format(value))).toEqual({ value });
      }),
    );
  });

  it.each([
    ["Corpus hybrid", "has no name that can be used"],
    ["corpus", "has no kind. Choose from hybrid, keyword, vector, graph."],
    ["corpus fuzzy", 'source "corpus" is of kind "fuzzy", which is none.'],
    ["corpus hybrid wight=2", 'source "corpus" has "wight=2", which is no setting. Choose from collections, weight,'],
    ["corpus hybrid fast", 'source "corpus" has "fast", which is no setting.'],
    ["corpus hybrid weight=1 weight=2", 'source "corpus" sets weight more than once.'],
    ["corpus hybrid weight=0", 'has weight "0". Set it to a number above 0, at most 1000.'],
    ["corpus hybrid weight=-1", 'has weight "-1".'],
    ["corpus hybrid weight=Infinity", 'has weight "Infinity".'],
    ["corpus hybrid timeout=300", 'has timeout "300". Set it to a duration from 10ms to 60s.'],
    ["corpus hybrid timeout=2m", 'has timeout "2m".'],
    ["corpus hybrid collections=", 'has collections "".'],
    ["corpus hybrid collections=인사", 'has collections "인사". Set it to the names of collections, with commas'],
    ["corpus hybrid default=maybe", 'has default "maybe". Set it to on or off.'],
    ["corpus hybrid; corpus keyword", 'source "corpus" stands there more than once.'],
    ["corpus hybrid default=off", "has no source that is always asked by default."],
    ["people graph", "has no source that is always asked by default."],
    [Array.from({ length: 17 }, (_, index) => `s${index} keyword`).join(";"), "has 17 sources. Keep it to 16."],
    ["corpus hybrid __proto__=1", "which is no setting"],
  ])("say what is wrong in one line: %s", (text, mistake) => {
    expect(mistakesIn(text)).toEqual([expect.stringContaining(mistake)]);
  });

  it("name every mistake, each on a line of its own", () => {
    expect(mistakesIn("corpus hybrid weight=much timeout=soon; a b\nkeyword")).toHaveLength(4);
  });
});
