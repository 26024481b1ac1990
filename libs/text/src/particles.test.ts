import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { stemsBeforeParticles } from "./particles.ts";

const syllables = (min: number, max: number) =>
  fc
    .array(fc.integer({ min: 0xac00, max: 0xd7a3 }), { minLength: min, maxLength: max })
    .map((units) => String.fromCharCode(...units));
const endsInConsonant = (name: string) => (name.charCodeAt(name.length - 1) - 0xac00) % 28 !== 0;
const endsInRieul = (name: string) => (name.charCodeAt(name.length - 1) - 0xac00) % 28 === 8;

/** Particles as a writer picks them for a name. */
const pick: readonly ((name: string) => string)[] = [
  (name) => (endsInConsonant(name) ? "은" : "는"),
  (name) => (endsInConsonant(name) ? "이" : "가"),
  (name) => (endsInConsonant(name) ? "을" : "를"),
  (name) => (endsInConsonant(name) ? "과의" : "와의"),
  (name) => (endsInConsonant(name) ? "이라고도" : "라고도"),
  (name) => (endsInConsonant(name) && !endsInRieul(name) ? "으로부터는" : "로부터는"),
  (name) => (endsInConsonant(name) && !endsInRieul(name) ? "으로서의" : "로서의"),
  ...["의", "에", "에서", "에서는", "에게도", "한테", "도", "만", "까지만", "부터", "처럼", "보다는"].map(
    (form) => () => form,
  ),
  ...["들이", "들에게서만", "님께서는", "입니다", "이었다", "뿐만", "밖에는", "마다", "에서부터의"].map(
    (form) => () => form,
  ),
];

describe("particles of Korean", () => {
  it.each([
    ["한국은행에서는", ["한국은행에서", "한국은행"]],
    ["삼성전자의", ["삼성전자"]],
    ["서울까지만은", ["서울까지만", "서울까지", "서울"]],
    ["LG와", ["LG"]],
    ["2024년에도", ["2024년에", "2024년"]],
    ["기업들이", ["기업들", "기업"]],
    ["홍길동씨는", ["홍길동씨", "홍길동"]],
    ["세종대왕이라고도", ["세종대왕이라고", "세종대왕이", "세종대왕"]],
  ])("stand after the name in %s", (word, stems) => {
    expect(stemsBeforeParticles(word)).toEqual(stems);
  });

  it("take the form that fits the syllable before", () => {
    for (const word of ["서울는", "서울를", "서울와", "부산로", "제주을", "제주은", "제주과", "제주으로"]) {
      expect(stemsBeforeParticles(word)).not.toContain(word.slice(0, 2));
    }
    expect(stemsBeforeParticles("서울로")).toEqual(["서울"]);
  });

  it("never stand before one another in an order that Korean does not have", () => {
    for (const word of ["서울은에서", "서울을도", "서울의만", "서울이에서는"]) {
      expect(stemsBeforeParticles(word)).not.toContain("서울");
    }
  });

  it("leave other scripts and bare words alone", () => {
    for (const word of ["", "Samsung", "서울", "東京", "은", "는", "12", "\ud800", "가\ud800"]) {
      expect(stemsBeforeParticles(word)).toEqual([]);
    }
  });

  it("are found after every name that they were written after", () => {
    fc.assert(
      fc.property(syllables(1, 8), fc.constantFrom(...pick), (name, particle) => {
        expect(stemsBeforeParticles(name + particle(name))).toContain(name);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9]{1,8}$/), fc.constantFrom(...pick), (name, particle) => {
        expect(stemsBeforeParticles(name + particle("가"))).toContain(name);
        expect(stemsBeforeParticles(name + particle("각"))).toContain(name);
      }),
    );
  });

  it("give beginnings of the word, longest first, each once, and never the word or nothing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), syllables(0, 20)), (word) => {
        const stems = stemsBeforeParticles(word);
        expect(stems.every((stem) => word.startsWith(stem) && stem !== word && stem !== "")).toBe(true);
        expect(stems.map(({ length }) => length)).toEqual(
          [...new Set(stems.map(({ length }) => length))].sort((a, b) => b - a),
        );
      }),
    );
  });

  it("are no longer than a chain of four, however long the word", () => {
    for (const part of ["에서만", "만", "들이"]) {
      for (const stem of stemsBeforeParticles(part.repeat(1_000))) {
        expect(part.length * 1_000 - stem.length).toBeLessThanOrEqual(20);
      }
    }
  });
});
