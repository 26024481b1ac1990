import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { AnswerEnd, Passage, Section } from "./answerer.ts";
import { createExtractiveAnswerer } from "./extractive-answerer.ts";
import { passageParts } from "./passage-parts.ts";
import { evidence } from "./refusal.ts";

const passage = (text: string, { title = "", score = 1, start = 0 } = {}): Passage => {
  const end = start + [...text].length;
  return {
    documentId: title || "d",
    title,
    uri: "",
    text,
    parts: passageParts(text, { start, end }, [])!,
    score,
    sources: [],
    documentVersion: 1n,
  };
};

async function answer(question: string, passages: readonly Passage[], section?: Section) {
  const pieces: string[] = [];
  const ends: AnswerEnd[] = [];
  const { signal } = new AbortController();
  for await (const event of createExtractiveAnswerer().answer(question, passages, { signal, section })) {
    if (event.kind === "text") pieces.push(event.text);
    else ends.push(event);
  }
  expect(ends).toHaveLength(1);
  return { pieces, text: pieces.join(""), ...ends[0]! };
}

const normans = passage(
  "The Normans gave their name to Normandy, a region in France. They were descended from Norse raiders and pirates from " +
    "Denmark, Iceland and Norway. Their leader Rollo agreed to swear fealty to King Charles III of West Francia.",
  { title: "Normans" },
);
const seoul = passage(
  "서울특별시는 대한민국의 수도이자 최대 도시이다. 2023년 기준 인구는 약 940만 명이다. 한강이 도시를 동서로 가로지른다.",
  { title: "서울", score: 0.8 },
);

describe("the extractive answerer", () => {
  it("quotes the sentence that answers, with its citation", async () => {
    const { text, finishReason, answerer } = await answer("To which king did the leader Rollo swear fealty?", [
      seoul,
      normans,
    ]);
    expect(text).toMatch(/^Their leader Rollo agreed to swear fealty to King Charles III of West Francia\. \[2\]/);
    expect(finishReason).toBe("stop");
    expect(answerer).toEqual({ kind: "extractive" });
  });

  it("answers Korean questions in Korean", async () => {
    const { text } = await answer("서울의 2023년 인구는 몇 명입니까?", [normans, seoul]);
    expect(text).toContain("2023년 기준 인구는 약 940만 명이다. [2]");
  });

  it("chooses a section's sentences by the caller's own words too, and by nothing that is said about form", async () => {
    const section = {
      name: "river",
      instruction: "강은 어디로 흐릅니까?",
      topic: "한강은 어디로 흐릅니까?",
      all: ["river"],
    };
    const question = "서울의 2023년 인구는 몇 명입니까?";
    const { text } = await answer(question, [normans, seoul], section);
    expect(text).toContain("한강이 도시를 동서로 가로지른다. [2]");
    const plain = await answer(question, [normans, seoul]);
    const summary = { ...section, instruction: "한강처럼 길게 쓰십시오.", topic: "" };
    expect((await answer(question, [normans, seoul], summary)).text).toBe(plain.text);
    expect(plain.text).not.toContain("한강");
  });

  it("counts a title as part of its passage", () => {
    const question = "서울을 가로지르는 강의 이름은?";
    const text = "한강이 도시를 동서로 가로지른다.";
    expect(evidence(question, [passage(text, { title: "서울" })])).toBeGreaterThan(evidence(question, [passage(text)]));
  });

  it("does not say the same twice", async () => {
    const { pieces } = await answer("Which king did Rollo swear fealty to?", [
      normans,
      passage(normans.text, { title: "copy" }),
    ]);
    expect(pieces.filter((piece) => piece.includes("Rollo"))).toHaveLength(1);
  });

  it("leaves out a document's own reference marks, which would read as citations", async () => {
    const { text } = await answer("Who was the leader Rollo?", [
      passage("Rollo was the leader [2] of the Normans [17]."),
    ]);
    expect(text).toBe("Rollo was the leader of the Normans. [1]");
  });

  it.each([
    [
      "없는 것을 묻는 질문: 양자컴퓨터의 큐비트 오류 정정 임계값은?",
      "주어진 문서에서 이 질문에 대한 답을 찾지 못했습니다.",
    ],
    ["What is the boiling point of tungsten carbide?", "The documents hold no answer to this question."],
  ])("says that there is no answer: %s", async (question, expected) => {
    const { text, finishReason, citations } = await answer(question, [normans, seoul]);
    expect({ text, finishReason, citations }).toEqual({ text: expected, finishReason: "no-answer", citations: [] });
  });

  it.each(["???", "👩‍👧", "   .", "the of and"])("has no answer to a question without words: %s", async (question) => {
    expect(await answer(question, [normans, seoul])).toMatchObject({ finishReason: "no-answer" });
  });

  it("cites only what it quotes, word for word, whatever it is given", async () => {
    const word = fc.constantFrom(
      "king",
      "Rollo",
      "수도",
      "서울",
      "인구",
      "😀",
      "e\u0301",
      "France.",
      "이다.",
      "\n",
      "is",
      "940만",
      "[3]",
      "!",
    );
    const words = fc.array(word, { minLength: 1, maxLength: 40 }).map((parts) => parts.join(" "));
    const given = fc.array(fc.tuple(words, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1_000)), {
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(words, given, async (question, texts) => {
        const passages = texts.map(([text, score, start]) => passage(text.normalize("NFC"), { score, start }));
        const { pieces, text, citations } = await answer(question, passages);
        const marks = new Set([...text.matchAll(/\[(\d+)\]/g)].map(([, digits]) => Number(digits)));
        expect([...marks].sort()).toEqual(citations.map(({ number }) => number));
        expect(pieces.length).toBeLessThanOrEqual(3);
        for (const { number, text: cited, span, highlights } of citations) {
          const own = passages[number - 1]!;
          expect(cited).toBe(own.parts[0]!.text);
          expect(highlights.length).toBeGreaterThan(0);
          for (const { start, end } of highlights) {
            const quote = [...cited].slice(start - span.start, end - span.start).join("");
            expect(text).toContain(`${quote.replace(/\s?\[\d{1,3}\]/g, "").replace(/\s*\n\s*/g, " ")} [${number}]`);
          }
        }
      }),
    );
  });
});
