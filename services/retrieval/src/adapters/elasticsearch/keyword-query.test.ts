import { describe, expect, it } from "@jest/globals";
import type { Filter } from "../../domain/filter.ts";
import { keywordQuery } from "./keyword-query.ts";

const ask = (text: string, filter?: Filter) => keywordQuery("t", { text, collections: ["default"], filter });

/** The boosts by field. */
function boosts(text: string): Record<string, number> {
  const { must, should } = ask(text)!.bool as { must: object[]; should: object[] };
  const matches = [...must, ...should].flatMap((clause) =>
    Object.entries((clause as { match: Record<string, { boost: number }> }).match),
  );
  return Object.fromEntries(matches.map(([field, { boost }]) => [field, boost * 2.2]));
}

describe("the query of a search", () => {
  it("has the tenant, the collections and the filter in bool.filter, and text of the caller as literals only", () => {
    const hostile = '*:* {"match_all":{}} tenant:u (a+)+$ script';
    const query = ask(hostile, { kind: "tag", tag: hostile })!;
    const { filter } = query.bool as { filter: object[] };
    expect(filter).toEqual([
      { term: { tenant: "t" } },
      { terms: { collection: ["default"] } },
      { term: { facts: `tag:s${hostile}` } },
    ]);
    const known = ["bool", "match", "term", "terms"];
    const nodes = [...JSON.stringify(query).matchAll(/"(\w+)":\{/g)].map(([, kind]) => kind!);
    expect(nodes.filter((kind) => !known.includes(kind))).toEqual([]);
  });

  it("asks only readings that apply, with weights of 1 together", () => {
    const sum = (text: string) => Object.values(boosts(text)).reduce((total, boost) => total + boost, 0);
    expect(Object.keys(boosts("부가세는"))).toEqual(["terms", "content.nori"]);
    expect(Object.keys(boosts("value added"))).toEqual(["terms", "content.english"]);
    expect(Object.keys(boosts("B2B 거래"))).toEqual(["terms", "content.nori", "content.english"]);
    expect(Object.keys(boosts("Привет"))).toEqual(["terms"]);
    for (const text of ["부가세는", "value added", "B2B 거래", "Привет"]) expect(sum(text)).toBeCloseTo(1, 9);
  });

  it("is none where there is no word or no collection", () => {
    expect(ask("the of +++")).toBeUndefined();
    expect(keywordQuery("t", { text: "사과", collections: [], filter: undefined })).toBeUndefined();
  });
});
