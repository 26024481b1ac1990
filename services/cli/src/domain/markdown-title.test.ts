import { describe, expect, it } from "@jest/globals";
import { markdownTitle } from "./markdown-title.ts";

describe("the title of a Markdown document", () => {
  it.each([
    ["# 휴가 규정\n본문", "휴가 규정"],
    ["intro\n\n## Second level ##\n# First", "Second level"],
    ["---\ntitle: x\n---\n\n# Real", "Real"],
    ["```sh\n# a comment\n```\n\n# After code", "After code"],
    ["~~~\n```\n# still code\n~~~\n# After", "After"],
    ["Setext title\n===\ntext", "Setext title"],
    ["Setext second\n---\ntext", "Setext second"],
    ["- item\n---\n# Real", "Real"],
    ["# The `retry` **rule** of [Quartet](https://example.org)", "The retry rule of Quartet"],
    ["# \n# Named", "Named"],
    ["\r\n# CRLF\r\ntext", "CRLF"],
    ["#no heading\n#hash", undefined],
    ["no heading at all", undefined],
    ["---\n", undefined],
    ["", undefined],
  ])("of %j is %j", (text, title) => {
    expect(markdownTitle(text)).toBe(title);
  });
});
