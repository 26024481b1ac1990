import { describe, expect, it } from "@jest/globals";
import { parseSection } from "./section-spec.ts";

describe("a section on the command line", () => {
  it.each([
    ["summary", { name: "summary", instruction: "" }],
    ["risks=Which risks are named?", { name: "risks", instruction: "Which risks are named?" }],
    ["sum = a=b; c=d\nand more", { name: "sum", instruction: "a=b; c=d\nand more" }],
    ["risks=어떤 위험이 있습니까?", { name: "risks", instruction: "어떤 위험이 있습니까?" }],
  ])("is a name, and an instruction where wanted: %s", (text, section) => {
    expect(parseSection(text)).toEqual(section);
  });

  it.each(["", "=x", "Summary", "요약", "risks=", "risks= ", "two words", "r".repeat(33)])("is not: %s", (text) => {
    expect(parseSection(text)).toBeUndefined();
  });
});
