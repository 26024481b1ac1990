import { describe, expect, it } from "@jest/globals";
import { holdsAnswer, passageHoldsAnswer } from "./retention.ts";

describe("an answer in a text", () => {
  it("is found word for word, across line breaks and normal forms", () => {
    expect(holdsAnswer("in the 10th\nand  11th centuries", ["10th and 11th centuries"])).toBe(true);
    expect(holdsAnswer("연차는 15일".normalize("NFD"), ["15일"])).toBe(true);
    expect(holdsAnswer("in France", ["france", ""])).toBe(false);
    expect(holdsAnswer("anything", [])).toBe(false);
  });
});

describe("a passage with the answer", () => {
  const grades = new Map([
    ["gold", 1],
    ["judged", 0],
  ]);

  it("counts only in a relevant document", () => {
    expect(passageHoldsAnswer([{ documentId: "gold", text: "in France" }], grades, ["France"])).toBe(true);
    expect(passageHoldsAnswer([{ documentId: "judged", text: "in France" }], grades, ["France"])).toBe(false);
    expect(passageHoldsAnswer([{ documentId: "gold", text: "elsewhere" }], grades, ["France"])).toBe(false);
  });
});
