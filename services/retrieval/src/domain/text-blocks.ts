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
  const path: string[] = [];
  let headings: readonly string[] = noHeadings;
  let open: { kind: Block["kind"]; start: number; end: number; lineCount: number } | undefined;
  let fenceMark: string | undefined;

  const close = (): Block[] => {
    if (open === undefined) return [];
    const { kind, start, end } = open;
    open = undefined;
    return [{ kind, start, end, headings }];
  };
  const setHeading = (level: number, title: string): void => {
    path.length = Math.min(path.length, level - 1);
    while (path.length < level - 1) path.push("");
    path.push(title);
    headings = path.filter((part) => part !== "");
  };

  for (const line of linesOf(text)) {
    if (fenceMark !== undefined && open !== undefined) {
      open.end = line.end;
      if (closesFence(line.text, fenceMark)) {
        fenceMark = undefined;
        yield* close();
      }
      continue;
    }
    const mark = fence.exec(line.text)?.[1];
    if (mark !== undefined) {
      yield* close();
      fenceMark = mark;
      open = { kind: "code", start: line.start, end: line.end, lineCount: 1 };
      continue;
    }
    if (line.text.trim() === "") {
      yield* close();
      continue;
    }
    const heading = line.text.length <= maxHeadingLength ? atxHeading.exec(line.text) : null;
    if (heading !== null) {
      yield* close();
      const level = heading[1]!.length;
      path.length = Math.min(path.length, level - 1);
      yield { kind: "heading", start: line.start, end: line.end, headings: path.filter((part) => part !== "") };
      setHeading(level, (heading[2] ?? "").trim());
      continue;
    }
    const underline = setextUnderline.exec(line.text)?.[1];
    if (underline !== undefined && open?.kind === "paragraph" && open.lineCount === 1) {
      const level = underline.startsWith("=") ? 1 : 2;
      const title = text.slice(open.start, open.end).trim();
      if (title.length <= maxHeadingLength) {
        path.length = Math.min(path.length, level - 1);
        yield { kind: "heading", start: open.start, end: line.end, headings: path.filter((part) => part !== "") };
        open = undefined;
        setHeading(level, title);
        continue;
      }
    }
    const isItem = listItem.test(line.text);
    if (isItem || open === undefined) {
      yield* close();
      open = { kind: isItem ? "item" : "paragraph", start: line.start, end: line.end, lineCount: 1 };
    } else {
      open.end = line.end;
      open.lineCount += 1;
    }
  }
  yield* close();
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
