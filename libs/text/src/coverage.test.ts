import { describe, expect, it } from "@jest/globals";
import { coverage } from "./coverage.ts";
import { termIdf } from "./static-idf.ts";
import { terms } from "./terms.ts";

describe("static idf", () => {
  it("knows common words of both languages from telling ones", () => {
    expect(termIdf("year")).toBeLessThan(termIdf("capit"));
    expect(termIdf("capit")).toBeLessThan(termIdf("zwitterion"));
    expect(termIdf("한국")).toBeLessThan(termIdf("은행"));
    expect(termIdf("은행")).toBeLessThan(termIdf("뷁뷁"));
  });
});

describe("coverage", () => {
  const question = terms("What is the minimum capital of a regional bank?");

  it("is the share of idf mass that the passage has", () => {
    expect(coverage(question, terms("A regional bank needs a minimum capital of 25 billion won."))).toBe(1);
    expect(coverage(question, terms("Cats sleep."))).toBe(0);
    const half = coverage(question, terms("The minimum age."));
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(0.5);
  });

  it("counts a repeated term once, takes sets, and has nothing to say of a question without terms", () => {
    expect(coverage(["bank", "bank", "capit"], new Set(["bank"]))).toBe(coverage(["bank", "capit"], ["bank"]));
    expect(coverage([], ["bank"])).toBe(0);
  });
});
