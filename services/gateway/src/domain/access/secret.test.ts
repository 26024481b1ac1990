import { describe, expect, it } from "@jest/globals";
import { formatTokenText, hashSecret, makeTokenText, matchesSecret, readBearer } from "./secret.ts";

describe("the text of a token", () => {
  it("is read as it was made, whatever the case of the scheme", () => {
    for (let count = 0; count < 50; count += 1) {
      const text = makeTokenText();
      expect(readBearer(`Bearer ${formatTokenText(text)}`)).toEqual(text);
      expect(readBearer(`bearer  ${formatTokenText(text)}`)).toEqual(text);
    }
  });

  const id = "a".repeat(16);
  const secret = "A".repeat(43);
  it.each([
    null,
    "",
    "Bearer",
    `Basic qt_${id}_${secret}`,
    `qt_${id}_${secret}`,
    `Bearer qt_${id}`,
    `Bearer qt_${id}_${secret}x`,
    `Bearer qt_${id.toUpperCase()}_${secret}`,
    `Bearer qt_${id}_${secret.slice(1)}`,
    `Bearer qt_${id}_${secret}, Bearer qt_${id}_${secret}`,
    `Bearer qt_${id}_${secret.slice(2)}가가`,
    `Bearer qt_'; DROP TABLE tenant;--_${secret}`,
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    `Bearer ${"x".repeat(8192)}`,
  ])("%s is none", (header) => {
    expect(readBearer(header)).toBeUndefined();
  });
});

describe("a secret", () => {
  it("matches its own hash and nothing else", () => {
    const { secret } = makeTokenText();
    expect(matchesSecret(secret, hashSecret(secret))).toBe(true);
    expect(matchesSecret(`${secret.slice(0, -1)}!`, hashSecret(secret))).toBe(false);
    expect(matchesSecret(secret, undefined)).toBe(false);
    expect(matchesSecret("", undefined)).toBe(false);
    expect(matchesSecret(secret, new Uint8Array(3))).toBe(false);
  });
});
