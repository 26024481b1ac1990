import { describe, expect, it } from "@jest/globals";
import { NoLegsError } from "../../src/domain/search-errors.ts";
import { type Source, UnknownSourceError } from "../../src/domain/source.ts";
import { fourSources, reports, setUp } from "./four-sources.ts";

describe("which sources are asked", () => {
  const withOptional: readonly Source[] = [
    ...fourSources,
    { name: "archive", kind: "keyword", collections: ["words"], byDefault: false },
  ];

  it("are those that are on by default, unless some are named", async () => {
    const { ask } = setUp({ sources: withOptional, hasEntities: true });
    expect((await ask()).sources.map(({ source }) => source)).toEqual(["corpus", "words", "meaning", "people"]);
    expect((await ask({ sources: ["archive"] })).sources.map(({ source }) => source)).toEqual(["archive"]);
  });

  it.each([
    ["no graph at all", undefined],
    ["an empty one", false],
  ])("leave a graph out where there is %s, unless it is named", async (_, hasEntities) => {
    const { ask } = setUp({ hasEntities });
    expect((await ask()).sources.map(({ source }) => source)).toEqual(["corpus", "words", "meaning"]);
    const named = await ask({ sources: ["people", "words"] });
    const expected = hasEntities === undefined ? ["people", "skipped", "NOT_ENABLED"] : ["people", "ok", undefined];
    expect(reports(named)).toEqual([expected, ["words", "ok", undefined]]);
  });

  it("are refused when one is not configured, with the names of those that are", async () => {
    const asked = setUp().ask({ sources: ["corpus", "persona"] });
    await expect(asked).rejects.toThrow(UnknownSourceError);
    await expect(asked).rejects.toMatchObject({ source: "persona", known: ["corpus", "words", "meaning", "people"] });
  });

  it.each([
    ["keyword-only", ["keyword", "keyword"]],
    ["vector-only", ["vector", "vector"]],
    ["rrf", ["keyword", "vector", "keyword", "vector", "graph"]],
  ] as const)("are asked only by the legs that %s needs", async (fusion, legs) => {
    const { ask } = setUp({ hasEntities: true });
    const result = await ask({ fusion });
    expect(result.legs.map(({ leg }) => leg)).toEqual(legs);
    expect(result.sources).toHaveLength(4);
    for (const { status, reason, source } of result.sources) {
      const hasLeg = result.legs.some((leg) => leg.source === source);
      expect([status, reason]).toEqual([hasLeg ? "ok" : "skipped", undefined]);
    }
  });

  it("are refused when the fusion leaves none of them a leg", async () => {
    const { ask } = setUp({ hasEntities: true });
    await expect(ask({ sources: ["meaning", "people"], fusion: "keyword-only" })).rejects.toThrow(NoLegsError);
  });
});
