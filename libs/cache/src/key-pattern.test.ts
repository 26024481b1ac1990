import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { keyPattern } from "./key-pattern.ts";

describe("a pattern of keys", () => {
  it.each([
    ["", "anything", true],
    ["*", "", true],
    ["규정@3.3*", "규정@3.3,안내@1.1:h:", true],
    ["규정@3.3*", "사규정@3.3:h:", false],
    ["*:tax", "규정@3.3:h:tax", true],
    ["*a*a*", "a", false],
    ["a*a", "a", false],
    ["[ab]?", "a1", false],
    ["[ab]?", "[ab]?", true],
  ])("%j over %j: %j", (pattern, text, matches) => expect(keyPattern(pattern)(text)).toBe(matches));

  it("agrees with a regular expression of the same meaning", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "가"), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (pattern, subject) => {
        const literal = (part: string) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
        const expression = new RegExp(`^${pattern.split("*").map(literal).join("[^]*")}$`, "u");
        expect(keyPattern(pattern)(subject)).toBe(pattern === "" || expression.test(subject));
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes no longer for a pattern made to be slow", () => {
    expect(keyPattern("*a".repeat(128))("a".repeat(100_000) + "b")).toBe(false);
  });
});
