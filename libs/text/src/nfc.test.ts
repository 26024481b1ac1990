import { describe, expect, it } from "@jest/globals";
import { hasNul, isWellFormed, nfc } from "./nfc.ts";

describe("stored form", () => {
  it("composes Hangul that macOS decomposes in file names", () => {
    expect(nfc("한국".normalize("NFD"))).toBe("한국");
  });

  it("tells lone surrogates and NUL, which no store takes", () => {
    expect(isWellFormed("😀")).toBe(true);
    expect(isWellFormed("a\ud83d")).toBe(false);
    expect(hasNul("a\0b")).toBe(true);
    expect(hasNul("ab")).toBe(false);
  });
});
