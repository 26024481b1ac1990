/** Blanks within a line, as Unicode knows them; line ends are not among them. */
const BLANK = "[ \\t\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000]";
const blanks = new RegExp(`${BLANK}+`, "gu");
/** Takes no room and says nothing: soft hyphen, zero-width space, word joiner, byte order mark. Joiners stay: emoji and Persian words are made with them. */
const invisible = /[\u00ad\u180e\u200b\u2060\ufeff]/gu;
const lineEnd = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u;
const fence = /^ {0,3}(`{3,}|~{3,})/u;
const indented = /^(?:\t| {4})/u;
/** Two blanks or more, but for the two that some put behind a full stop. */
const gap = new RegExp(`\\S(?<![.!?:;,。](?=${BLANK}{2}\\S))${BLANK}{2,}\\S`, "u");

interface Line {
  /** Code as it is; else without invisible characters, and blanks at the end. */
  readonly text: string;
  /** Code, or aligned columns: its blanks mean something. */
  readonly isKept: boolean;
  readonly isCode: boolean;
}

/**
 * The text without white space that says nothing, for a prompt: runs of blanks become one space, runs of empty lines one, and blanks at ends of lines
 * and invisible characters go. All else stays, character for character.
 *
 * Kept as it is: fenced code, lines indented by a tab or four blanks (code, nested lists), the indentation of every other line, lines with a tab in
 * them, and two or more lines in a row with gaps of several blanks (columns aligned by hand). Cells of a table with `|` are told apart by those, so
 * that their padding may go.
 */
export function compactText(text: string): string {
  const compact: string[] = [];
  for (const { text: line, isKept, isCode } of linesOf(text)) {
    const shown = isKept ? line : compactLine(line);
    if (isCode || shown !== "" || (compact.length > 0 && compact.at(-1) !== "")) compact.push(shown);
  }
  while (compact.at(-1) === "") compact.pop();
  return compact.join("\n");
}

/** Whether a part of the text can lose its meaning when it is cut out: code, or a table. */
export function hasLayout(text: string): boolean {
  return linesOf(text).some((line) => line.isKept || isPipeRow(line.text));
}

function compactLine(line: string): string {
  const body = line.trimStart();
  return line.slice(0, line.length - body.length) + body.replace(blanks, " ");
}

function linesOf(text: string): Line[] {
  const raw = text.split(lineEnd);
  const lines = raw.map((line) => line.replace(invisible, "").trimEnd());
  const gapped = lines.map((line) => gap.test(line) && !isPipeRow(line));
  let open: string | undefined;
  return lines.map((line, index) => {
    const mark = fence.exec(line)?.[1];
    const isFence = mark !== undefined && (open === undefined || isClosing(line, mark, open));
    const isCode = open !== undefined || isFence;
    if (isFence) open = open === undefined ? mark : undefined;
    const isColumns = gapped[index]! && (gapped[index - 1] === true || gapped[index + 1] === true);
    const isKept = isCode || indented.test(line) || line.trim().includes("\t") || isColumns;
    return { text: isCode ? raw[index]! : line, isKept, isCode };
  });
}

/** A fence ends with at least as many of the same characters, and nothing behind them. */
function isClosing(line: string, mark: string, open: string): boolean {
  return mark[0] === open[0] && mark.length >= open.length && line.trim() === mark;
}

/** A row of a table in Markdown: two bars at least. */
function isPipeRow(line: string): boolean {
  return line.indexOf("|") !== line.lastIndexOf("|");
}
