import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { hashedEmbedding, hashedEmbeddingIdentity } from "./hashed-embedding.ts";

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, component, index) => sum + component * b[index]!, 0);
}

describe("hashed embedding", () => {
  it("has unit length and only finite components, or is zero without letters", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "b", "é", "한", "국", "銀", "😀", " ", "!") }), (text) => {
        const vector = hashedEmbedding(text, { dimensions: 256 });
        expect(vector.every(Number.isFinite)).toBe(true);
        const length = Math.sqrt(dot(vector, vector));
        if (/[\p{L}\p{N}]/u.test(text)) expect(length).toBeCloseTo(1, 5);
        else expect(length).toBe(0);
      }),
    );
  });

  it("is the same for the same text in any normal form", () => {
    expect(hashedEmbedding("한국은행".normalize("NFD"))).toEqual(hashedEmbedding("한국은행"));
    expect(hashedEmbedding("은행")).toHaveLength(2_048);
  });

  it("brings inflected words near, and unrelated ones not", () => {
    const bank = hashedEmbedding("banking regulation");
    expect(dot(bank, hashedEmbedding("regulations of banks"))).toBeGreaterThan(0.4);
    expect(dot(bank, hashedEmbedding("cats sleep"))).toBeLessThan(0.1);
    const korean = hashedEmbedding("지방은행의 최저자본금");
    expect(dot(korean, hashedEmbedding("지방은행이 자본금을"))).toBeGreaterThan(0.4);
    expect(dot(korean, hashedEmbedding("고양이가 잔다"))).toBeLessThan(0.1);
  });

  it("has an identity that tells its tables and its length", () => {
    expect(hashedEmbeddingIdentity()).toMatch(/^signed-char-ngrams-\d+\/[0-9a-f]{16}\/2048$/);
    expect(hashedEmbeddingIdentity({ dimensions: 512 })).not.toBe(hashedEmbeddingIdentity());
  });
});
