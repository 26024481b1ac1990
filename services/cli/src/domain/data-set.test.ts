import { describe, expect, it } from "@jest/globals";
import { judgedQueries, parseAnswers, parseJudgement, parseQuery, unanswerableQueries } from "./data-set.ts";

describe("lines of a data set", () => {
  it("are read", () => {
    expect(parseQuery('{"id": "q1", "text": "언제?", "answerable": false}')).toEqual({
      id: "q1",
      text: "언제?",
      answerable: false,
    });
    expect(parseQuery('{"id": "q1", "text": "언제?"}')?.answerable).toBe(true);
    expect(parseAnswers('{"id": "q1", "answers": ["가", 3], "doc": "d"}')).toEqual({ id: "q1", answers: ["가"] });
    expect(parseJudgement("q 1\tfinance - 가이드.pdf - 4\t2\r")).toEqual({
      query: "q 1",
      document: "finance - 가이드.pdf - 4",
      grade: 2,
    });
    expect(parseJudgement("q\td\t-1")?.grade).toBe(-1);
  });

  it("have composed ids, so that they meet whatever wrote them", () => {
    const decomposed = "가".normalize("NFD");
    expect(parseJudgement(`${decomposed}\t${decomposed}\t1`)).toEqual({ query: "가", document: "가", grade: 1 });
    expect(parseQuery(`{"id": "${decomposed}", "text": "x"}`)?.id).toBe("가");
  });

  it.each(["query-id\tcorpus-id\tscore", "q\td", "q\td\t1\tx", "q\t0\td\t1", ""])("%j is no judgement", (line) => {
    expect(parseJudgement(line)).toBeUndefined();
  });

  it.each(["{", "3", "null", '{"id": 3, "text": "x"}', '{"id": "a", "text": " "}'])("%j is no query", (line) => {
    expect(parseQuery(line)).toBeUndefined();
  });
});

describe("which queries are asked", () => {
  const query = (id: string, answerable = true) => ({ id, text: id, answerable });
  const set = {
    name: "set",
    queries: [query("a"), query("b", false), query("c"), query("d"), query("e", false)],
    grades: new Map([
      ["c", new Map([["x", 1]])],
      ["a", new Map([["x", 2]])],
      ["d", new Map([["x", 0]])],
    ]),
    answers: new Map(),
  };

  it("is the first judged ones, in the order of the file", () => {
    expect(judgedQueries(set, 10).map(({ id }) => id)).toEqual(["a", "c"]);
    expect(judgedQueries(set, 1).map(({ id }) => id)).toEqual(["a"]);
    expect(unanswerableQueries(set, 1).map(({ id }) => id)).toEqual(["b"]);
  });
});
