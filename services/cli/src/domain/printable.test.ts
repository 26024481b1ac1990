import { describe, expect, it } from "@jest/globals";
import { excerpt, printable } from "./printable.ts";

describe("printable", () => {
  it("takes away what a terminal would act on, and nothing else", () => {
    expect(printable("\u001b[2J지움\u009b31m\u0007\ttab\nline\r")).toBe("[2J지움31m\ttab\nline");
    expect(printable("abc\u202Edef")).toBe("abcdef");
    expect(printable("👨‍👩‍👧 가족, naïve")).toBe("👨‍👩‍👧 가족, naïve");
  });
});

describe("excerpt", () => {
  it("is one line, cut between graphemes", () => {
    expect(excerpt("  휴가는\n 15일  ", 20)).toBe("휴가는 15일");
    expect(excerpt("휴가는 15일", 4)).toBe("휴가는 …");
    expect(excerpt("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 2)).toBe("👨‍👩‍👧👨‍👩‍👧 …");
    expect(excerpt("가나", 2)).toBe("가나");
  });
});
