/** A part of a text between blank lines, or what markdown makes one. UTF-16 indices, end exclusive. */
export interface Block {
  readonly kind: "paragraph" | "heading" | "item" | "code";
  readonly start: number;
  readonly end: number;
  /** The headings above it, outermost first. */
  readonly headings: readonly string[];
}

interface Line {
  readonly start: number;
  /** After the line break. */
  readonly end: number;
  readonly text: string;
}

const noHeadings: readonly string[] = [];

/** Paragraphs, separated by blank lines. */
export function* plainBlocks(text: string): Generator<Block> {
  let start = -1;
  let end = 0;
  for (const line of linesOf(text)) {
    if (line.text.trim() !== "") {
      if (start < 0) start = line.start;
      end = line.end;
    } else if (start >= 0) {
      yield { kind: "paragraph", start, end, headings: noHeadings };
      start = -1;
    }
  }
  if (start >= 0) yield { kind: "paragraph", start, end, headings: noHeadings };
}

const fence = /^ {0,3}(`{3,}|~{3,})/;
const atxHeading = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const setextUnderline = /^ {0,3}(=+|-+)[ \t]*$/;
const listItem = /^\s*(?:[-*+]|\d{1,9}[.)])\s+\S/;
/** A line that is neither a heading nor blank may be this long; headings longer than that are paragraphs. */
const maxHeadingLength = 200;

/**
 * The blocks of markdown that matter for cutting: headings (ATX and setext), fenced code, list items, and paragraphs, of which a table
 * is one. Anything else is read as paragraphs; no text is malformed.
 */
export function* markdownBlocks(text: string): Generator<Block> {
  const reader = new MarkdownReader(text);
  for (const line of linesOf(text)) yield* reader.read(line);
  yield* reader.close();
}

interface OpenBlock {
  readonly kind: Block["kind"];
  readonly start: number;
  end: number;
  lineCount: number;
}

/** Reads line by line: a block is open until a line ends it, and a fence until another closes it. */
class MarkdownReader {
  readonly #text: string;
  #open: OpenBlock | undefined;
  #fence: string | undefined;
  /** One entry for each level; empty for a level that was skipped. */
  #path: string[] = [];
  #headings: readonly string[] = noHeadings;

  constructor(text: string) {
    this.#text = text;
  }

  /** The blocks that end with this line. */
  read(line: Line): Block[] {
    if (this.#fence !== undefined) return this.#readCode(line, this.#fence);
    const mark = fence.exec(line.text)?.[1];
    if (mark !== undefined) {
      this.#fence = mark;
      return this.#begin("code", line);
    }
    if (line.text.trim() === "") return this.close();
    const heading = line.text.length <= maxHeadingLength ? atxHeading.exec(line.text) : null;
    if (heading !== null) {
      const title = (heading[2] ?? "").trim();
      return [...this.close(), this.#heading(line, { level: heading[1]!.length, title })];
    }
    const underlined = this.#underlined(line);
    if (underlined !== undefined) return [underlined];
    if (listItem.test(line.text)) return this.#begin("item", line);
    if (this.#open === undefined) return this.#begin("paragraph", line);
    this.#extend(line);
    return [];
  }

  /** The block that is open, which is so no longer. */
  close(): Block[] {
    if (this.#open === undefined) return [];
    const { kind, start, end } = this.#open;
    this.#open = undefined;
    return [{ kind, start, end, headings: this.#headings }];
  }

  #begin(kind: Block["kind"], { start, end }: Line): Block[] {
    const ended = this.close();
    this.#open = { kind, start, end, lineCount: 1 };
    return ended;
  }

  #extend({ end }: Line): void {
    this.#open!.end = end;
    this.#open!.lineCount += 1;
  }

  #readCode(line: Line, mark: string): Block[] {
    this.#extend(line);
    if (!closesFence(line.text, mark)) return [];
    this.#fence = undefined;
    return this.close();
  }

  /** A paragraph of one line becomes a heading when the next underlines it. */
  #underlined({ text, end }: Line): Block | undefined {
    const underline = setextUnderline.exec(text)?.[1];
    const open = this.#open;
    if (underline === undefined || open?.kind !== "paragraph" || open.lineCount !== 1) return undefined;
    const title = this.#text.slice(open.start, open.end).trim();
    if (title.length > maxHeadingLength) return undefined;
    this.#open = undefined;
    return this.#heading({ start: open.start, end }, { level: underline.startsWith("=") ? 1 : 2, title });
  }

  #heading({ start, end }: { start: number; end: number }, { level, title }: { level: number; title: string }): Block {
    const above = Array.from({ length: level - 1 }, (_, index) => this.#path[index] ?? "");
    this.#path = [...above, title];
    this.#headings = this.#path.filter((part) => part !== "");
    return { kind: "heading", start, end, headings: above.filter((part) => part !== "") };
  }
}

function closesFence(line: string, mark: string): boolean {
  const found = fence.exec(line)?.[1];
  return found !== undefined && found[0] === mark[0] && found.length >= mark.length && line.trim() === found;
}

function* linesOf(text: string): Generator<Line> {
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline + 1;
    const carriage = newline > start && text[newline - 1] === "\r" ? 1 : 0;
    yield { start, end, text: text.slice(start, newline < 0 ? end : newline - carriage) };
    start = end;
  }
}
