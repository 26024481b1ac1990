import { describe, expect, it } from "@jest/globals";
import { create } from "@bufbuild/protobuf";
import { SectionSchema } from "@quartet/contracts/type/v1/answer";
import type { Terminal } from "../adapters/terminal.ts";
import { createSectionView } from "./show-sections.ts";

function view(names: string[]) {
  let out = "";
  const terminal = {
    write: (text: string) => (out += text),
    line: (text = "") => (out += `${text}\n`),
    bold: (text: string) => text,
    dim: (text: string) => text,
    safe: (text: string) => text.replaceAll("\u001b", ""),
  } as unknown as Terminal;
  const shown = createSectionView(terminal, names);
  const over = (name: string, text: string, failure?: object) =>
    shown.over(create(SectionSchema, { name, text, ...(failure && { failure }) }));
  return { shown, over, out: () => out };
}

describe("sections on a terminal", () => {
  it("are read one after the other, in the order asked for, though they come interleaved", () => {
    const { shown, over, out } = view(["summary", "risks"]);
    shown.text("risks", "위험 ");
    expect(out()).toBe("");
    shown.text("summary", "one ");
    expect(out()).toBe("## summary\none ");
    shown.text("risks", "[2]");
    shown.text("summary", "two\u001b[1m");
    expect(out()).toBe("## summary\none two[1m");
    over("summary", "one two");
    expect(out()).toBe("## summary\none two[1m\n\n## risks\n위험 [2]");
    over("risks", "위험 [2]");
    shown.end();
    expect(out()).toBe("## summary\none two[1m\n\n## risks\n위험 [2]\n");
  });

  it("that are over before their turn are shown at once when it comes", () => {
    const { shown, over, out } = view(["a", "b", "c"]);
    shown.text("c", "third");
    over("c", "third");
    shown.text("b", "second");
    over("b", "second");
    shown.text("a", "first");
    over("a", "first");
    expect(out()).toBe("## a\nfirst\n\n## b\nsecond\n\n## c\nthird\n");
  });

  it("that failed are not passed off as whole", () => {
    const { shown, over, out } = view(["a", "b"]);
    shown.text("a", "half of");
    over("a", "half of", { reason: "STREAM_STALLED" });
    over("b", "", { reason: "LLM_QUOTA" });
    expect(out()).toBe("## a\nhalf of\n(breaks off)\n\n## b\n(no text)\n");
  });

  it("leave the line ended where the answer breaks off", () => {
    const { shown, out } = view(["a"]);
    shown.text("a", "half of");
    shown.end();
    expect(out()).toBe("## a\nhalf of\n");
  });
});
