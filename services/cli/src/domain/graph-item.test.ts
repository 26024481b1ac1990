import { describe, expect, it } from "@jest/globals";
import { parseGraphItem } from "./graph-item.ts";

describe("a line of a graph's file", () => {
  it.each([
    [{ id: "e", name: "이름" }, "entities", { id: "e", name: "이름", kind: "", aliases: [] }],
    [
      { id: "e", name: "n", kind: "person", aliases: ["a"] },
      "entities",
      { id: "e", name: "n", kind: "person", aliases: ["a"] },
    ],
    [
      { source: "a", target: "b", kind: "owns" },
      "relations",
      { sourceEntityId: "a", targetEntityId: "b", kind: "owns", weight: 0 },
    ],
    [
      { source: "a", target: "b", kind: "owns", weight: 0.5 },
      "relations",
      { sourceEntityId: "a", targetEntityId: "b", kind: "owns", weight: 0.5 },
    ],
    [{ entity: "e", document: "d", start: null }, "mentions", { entityId: "e", documentId: "d" }],
    [
      { entity: "e", document: "d", start: 0, end: 4 },
      "mentions",
      { entityId: "e", documentId: "d", span: { startOffset: 0, endOffset: 4 } },
    ],
  ])("is what its fields say: %j", (value, kind, item) => {
    expect(parseGraphItem(value)).toEqual({ kind, item });
  });

  it.each([
    [[], "object"],
    [null, "object"],
    [{ name: "x" }, "neither"],
    [{ id: "", name: "x" }, '"id"'],
    [{ id: "e" }, '"name"'],
    [{ id: "e", name: "\ud800" }, '"name"'],
    [{ id: "e", name: "x", aliases: "y" }, '"aliases"'],
    [{ id: "e", name: "x", alias: ["y"] }, '"alias"'],
    [{ source: "a", target: "b" }, '"kind"'],
    [{ source: "a", target: "b", kind: "k", weight: 0 }, '"weight"'],
    [{ source: "a", target: "b", kind: "k", weight: 2 }, '"weight"'],
    [{ entity: "e" }, '"document"'],
    [{ entity: "e", document: "d", start: 1 }, '"start" and "end"'],
    [{ entity: "e", document: "d", start: 2, end: 1 }, '"start" and "end"'],
    [{ entity: "e", document: "d", start: -1, end: 1 }, '"start"'],
    [{ source: "a", target: "b", kind: "k", constructor: 1 }, '"constructor"'],
  ])("%j is refused, naming what is wrong", (value, named) => {
    expect(parseGraphItem(value)).toEqual({ problem: expect.stringContaining(named) });
  });
});
