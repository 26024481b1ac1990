import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { readScores, rerankBody, type RerankForm, rerankForms } from "./rerank-forms.ts";

const task = {
  model: "다국어-reranker",
  query: "연차는 며칠인가",
  candidates: [
    { passageId: 7, title: "취업 규칙", text: "연차는 15일이다.", score: 0.9 },
    { passageId: 3, title: "", text: "The café.", score: 0.5 },
  ],
};
const texts = ["취업 규칙\n연차는 15일이다.", "The café."];
const reply = (form: RerankForm, ...results: readonly [unknown, unknown][]) =>
  form === "tei"
    ? results.map(([index, score]) => ({ index, score }))
    : { results: results.map(([index, relevance_score]) => ({ index, relevance_score })), usage: {} };

describe("the forms of rerank endpoints", () => {
  it.each<[RerankForm, unknown]>([
    ["cohere", { model: task.model, query: task.query, documents: texts }],
    ["jina", { model: task.model, query: task.query, documents: texts, top_n: 2, return_documents: false }],
    ["tei", { query: task.query, texts, raw_scores: false, return_text: false, truncate: true }],
  ])("%s: asks as its documentation has it", (form, body) => {
    expect(JSON.parse(rerankBody(form, task))).toEqual(body);
  });

  it("names no model where there is none to name", () => {
    expect(JSON.parse(rerankBody("jina", { ...task, model: "" }))).not.toHaveProperty("model");
  });

  describe.each(rerankForms)("%s", (form) => {
    it("reads scores in any order", () => {
      expect(readScores(form, reply(form, [1, 0.9], [0, 0.25]), 2)).toEqual([0.25, 0.9]);
    });

    it("brings scores that are no probabilities into [0, 1], in their order", () => {
      const scores = readScores(form, reply(form, [0, -3.5], [1, 8], [2, 0]), 3);
      expect(scores[2]).toBe(0.5);
      expect(scores[0]).toBeCloseTo(0.0293, 4);
      expect(scores[1]).toBeCloseTo(0.99966, 5);
    });

    it.each<[string, unknown]>([
      ["nothing", undefined],
      ["null", null],
      ["no list", form === "tei" ? { results: [] } : { results: "none" }],
      ["an error of its own", { error: "overloaded" }],
      ["too few results", reply(form, [0, 0.5])],
      ["too many results", reply(form, [0, 0.5], [1, 0.5], [1, 0.5])],
      ["an index twice", reply(form, [1, 0.5], [1, 0.4])],
      ["an index beyond the end", reply(form, [0, 0.5], [2, 0.4])],
      ["an index below 0", reply(form, [0, 0.5], [-1, 0.4])],
      ["an index between two", reply(form, [0, 0.5], [0.5, 0.4])],
      ["an index as text", reply(form, [0, 0.5], ["1", 0.4])],
      ["a score as text", reply(form, [0, 0.5], [1, "0.4"])],
      ["no score", reply(form, [0, 0.5], [1, undefined])],
      ["a score beyond all numbers", reply(form, [0, 0.5], [1, Infinity])],
      ["a score that is no number", reply(form, [0, 0.5], [1, NaN])],
      ["results that are none", form === "tei" ? [1, 2] : { results: [1, null] }],
    ])("believes nothing of it: %s", (_, given) => {
      expect(() => readScores(form, given, 2)).toThrow("check QUARTET_RERANK_URL and QUARTET_RERANK_FORM");
    });

    it("gives one score in [0, 1] for each, or refuses", () => {
      const results = fc.array(fc.tuple(fc.nat(4), fc.double()), { maxLength: 5 });
      fc.assert(
        fc.property(results, fc.integer({ min: 1, max: 5 }), (given, count) => {
          let scores: readonly number[];
          try {
            scores = readScores(form, reply(form, ...given), count);
          } catch {
            return;
          }
          expect(scores).toHaveLength(count);
          for (const score of scores) expect(score >= 0 && score <= 1).toBe(true);
        }),
      );
    });
  });
});
