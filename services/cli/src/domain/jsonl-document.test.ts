import { describe, expect, it } from "@jest/globals";
import { parseJsonlDocument } from "./jsonl-document.ts";

describe("a line of a .jsonl file", () => {
  it("is a document", () => {
    const line = { id: "휴가-1", title: "휴가", text: "15일", tags: ["인사"], metadata: { year: 2026, teams: ["a"] } };
    expect(parseJsonlDocument(JSON.stringify(line))).toEqual({
      document: { ...line, mediaType: "text/plain", uri: "" },
      unknownFields: [],
    });
  });

  it("needs an id and a text only; other fields are named", () => {
    expect(parseJsonlDocument('{"id": 7, "text": "", "title": null, "meta": {}, "url": "x"}')).toEqual({
      document: { id: "7", title: "", text: "", tags: [], metadata: {}, mediaType: "text/plain", uri: "" },
      unknownFields: ["meta", "url"],
    });
  });

  it.each([
    ["{", "not valid JSON"],
    ["[1]", "object"],
    ['{"text": "x"}', '"id"'],
    ['{"id": "", "text": "x"}', '"id"'],
    ['{"id": 1.5, "text": "x"}', '"id"'],
    ['{"id": "a"}', '"text"'],
    ['{"id": "a", "text": 3}', '"text"'],
    ['{"id": "a", "text": "\\ud800"}', '"text"'],
    ['{"id": "a", "text": "x", "title": []}', '"title"'],
    ['{"id": "a", "text": "x", "tags": "b"}', '"tags"'],
    ['{"id": "a", "text": "x", "metadata": [1]}', '"metadata"'],
  ])("%s is refused, naming what is wrong", (line, named) => {
    expect(parseJsonlDocument(line)).toEqual({ problem: expect.stringContaining(named) });
  });
});
