import { describe, expect, it } from "@jest/globals";
import { sentences } from "@quartet/text";
import { createQuotable } from "./quotable.ts";

const quotable = (question: string, text: string) =>
  createQuotable(question)(text, sentences(text)).map((each) => each.text);

describe("createQuotable", () => {
  it("leaves headings out", () => {
    expect(quotable("How are refunds paid?", "## How refunds are paid\n\nRefunds go to the card.")).toEqual([
      "Refunds go to the card.",
    ]);
  });

  it("leaves code blocks out, also one that the passage cuts off, and counts in code points", () => {
    const text =
      "😀 환불은 카드로 합니다.\n\n```sh\nquartet ask 환불은 카드로 합니다.\n```\n\n14일이 걸립니다.\n\n~~~\n환불 코드.";
    expect(quotable("환불은 어떻게 하나요?", text)).toEqual(["😀 환불은 카드로 합니다.", "14일이 걸립니다."]);
  });

  it("leaves out what only repeats the question", () => {
    const text = "문서에 답이 없으면 어떻게 되나요? 문서에 답이 없으면 없다고 말합니다.";
    expect(quotable("문서에 답이 없으면 어떻게 되나요?", text)).toEqual(["문서에 답이 없으면 없다고 말합니다."]);
    expect(quotable("refund time?", "The refund time is 14 days.")).toEqual(["The refund time is 14 days."]);
  });
});
