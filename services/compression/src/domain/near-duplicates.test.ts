import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createDuplicateFilter, isNearDuplicate, wordsOf } from "./near-duplicates.ts";

const same = (left: string, right: string) => isNearDuplicate(wordsOf(left), wordsOf(right));
const long = "The staff canteen on the ground floor is open to visitors on weekdays from eight until half past three";

describe("isNearDuplicate", () => {
  it("overlooks case, punctuation and compatibility forms", () => {
    expect(same("Ｔｈｅ fee is ２０ euros!", "the FEE is 20 euros")).toBe(true);
    expect(same("연차 휴가는 15일이다.", "연차 휴가는 15일이다")).toBe(true);
  });

  it("takes one word more for no difference, where there are many", () => {
    expect(same(long, `${long} daily`)).toBe(true);
    expect(same("a short one", "a short two")).toBe(false);
  });

  it.each([
    [long, long.replace("eight", "8")],
    [long, long.replace("is open", "is not open")],
    [long, long.replace("is open", "isn't open")],
    [
      "직원 식당은 평일 여덟 시부터 외부 손님도 모두 이용할 수 있으며 따로 신청하지 않아도 된다",
      "직원 식당은 평일 여덟 시부터 외부 손님도 모두 이용할 수 없으며 따로 신청하지 않아도 된다",
    ],
  ])("keeps what a number or a negation tells apart", (left, right) => {
    expect(same(left, right)).toBe(false);
  });
});

describe("createDuplicateFilter", () => {
  it("decides as a comparison with all would", () => {
    const word = fc.constantFrom(..."abcdefghijklmnop", "not", "3");
    const sentence = fc.array(word, { maxLength: 24 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(fc.array(sentence, { maxLength: 30 }), (sentences) => {
        const filter = createDuplicateFilter();
        const kept: string[] = [];
        for (const each of sentences) {
          const isNew = !kept.some((other) => same(each, other));
          expect(filter.remember(each)).toBe(isNew);
          if (isNew) kept.push(each);
        }
      }),
      { numRuns: 300 },
    );
  });
});
