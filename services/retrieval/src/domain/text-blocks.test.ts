import { describe, expect, it } from "@jest/globals";
import { markdownBlocks, plainBlocks } from "./text-blocks.ts";

const blocksOf = (text: string) =>
  [...markdownBlocks(text)].map(({ kind, start, end, headings }) => [kind, text.slice(start, end).trim(), headings]);

describe("the blocks of markdown", () => {
  it("are headings of both forms with the path above them, paragraphs, items and code", () => {
    const text = [
      "제목",
      "====",
      "",
      "첫 문단은",
      "두 줄이다.",
      "",
      "### 깊은 절 ###",
      "- 하나",
      "  이어서",
      "- 둘",
      "",
      "절 둘",
      "---",
      "```md",
      "# 이것은 코드",
      "",
      "````",
      "~~~",
      "끝이 없는 코드",
    ].join("\r\n");
    expect(blocksOf(text)).toEqual([
      ["heading", "제목\r\n====", []],
      ["paragraph", "첫 문단은\r\n두 줄이다.", ["제목"]],
      ["heading", "### 깊은 절 ###", ["제목"]],
      ["item", "- 하나\r\n  이어서", ["제목", "깊은 절"]],
      ["item", "- 둘", ["제목", "깊은 절"]],
      ["heading", "절 둘\r\n---", ["제목"]],
      ["code", "```md\r\n# 이것은 코드\r\n\r\n````", ["제목", "절 둘"]],
      ["code", "~~~\r\n끝이 없는 코드", ["제목", "절 둘"]],
    ]);
  });

  it("do not take a rule, a hashtag or a very long line for a heading", () => {
    expect(blocksOf("---\n\n#해시태그\n\n# " + "가".repeat(300)).map(([kind]) => kind)).toEqual(
      Array(3).fill("paragraph"),
    );
  });
});

describe("the blocks of plain text", () => {
  it("are its paragraphs", () => {
    const text = "\n \n# 하나\n둘\n\n\n셋";
    const blocks = [...plainBlocks(text)].map(({ start, end }) => text.slice(start, end).trim());
    expect(blocks).toEqual(["# 하나\n둘", "셋"]);
  });
});
