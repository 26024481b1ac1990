import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { PageTokenError, readPageToken, writePageToken } from "./page-token.ts";

const list = ["ListDocuments", "tenant", ""];

describe("a page token", () => {
  it("stands for a place in its own list alone", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (place) => {
        const token = writePageToken(list, place);
        expect(readPageToken(list, token)).toBe(place);
        expect(() => readPageToken(["ListDocuments", "other", ""], token)).toThrow(PageTokenError);
      }),
    );
  });

  it("is empty for the first page and after the last", () => {
    expect(writePageToken(list, undefined)).toBe("");
    expect(readPageToken(list, "")).toBeUndefined();
  });

  it("is refused when it is none", () => {
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const token of ["x", "%%%", made(null), made([]), made(["x", 1]), made([1, "x"])]) {
      expect(() => readPageToken(list, token)).toThrow(PageTokenError);
    }
  });
});
