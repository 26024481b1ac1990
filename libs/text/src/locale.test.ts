import { describe, expect, it } from "@jest/globals";
import { localeOf } from "./locale.ts";

describe("language guessed from the script", () => {
  it.each([
    ["은행의 API 요건", "ko"],
    ["The bank's 요건 are listed", "en"],
    ["銀行の要件について", "ja"],
    ["银行的要求", "zh"],
    ["銀行業 認可의 要件은", "ko"],
    ["банк", "ru"],
    ["123 !?", "und"],
    ["", "und"],
  ])("%s is %s", (text, locale) => {
    expect(localeOf(text)).toBe(locale);
  });
});
