/** A line that begins like this is an item of its own. */
const itemStart = /^\s*(?:[-*•·▪■□○●◦※①-⑳#>|]|\d{1,3}[.)]\s|[([]?\d{1,3}[)\]]|\p{L}[.)]\s|제\s?\d+\s?[조장절])/u;
const sentenceEnd = /[.!?。!?…:;:|]["'”’)\]」』]*$/u;

/** Endings of Korean sentences, which headings and slides leave without a full stop. */
const koreanEnd = /(?:니다|[았었했한이된있없겠]다|[세에예해나가까]요|까)$/;

/** Shorter lines than this are headings, cells or items, not lines that a page's width has broken. */
const minWrappedUnits = 16;
/** A broken line reaches at least this share of the longest line of its paragraph. */
const wrappedShare = 0.6;

/**
 * The text, unit for unit, with each line break inside a sentence replaced by a space. Text taken from pages (PDF, OCR)
 * breaks at the page's width; such a line is about as long as its paragraph's longest, ends without a sentence's end,
 * and the next line is no list item. Every other break is kept.
 */
export function withSoftBreaksAsSpaces(text: string): string {
  if (!text.includes("\n")) return text;
  const lines = text.split("\n");
  const longest = longestLineOfParagraph(lines);
  const parts: string[] = [];
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    const soft = next !== undefined && isSoft(line, next, longest[index]!);
    parts.push(soft && line.endsWith("\r") ? `${line.slice(0, -1)} ` : line);
    if (next !== undefined) parts.push(soft ? " " : "\n");
  }
  return parts.join("");
}

function isSoft(line: string, next: string, longest: number): boolean {
  const end = line.trimEnd();
  if (end.length < minWrappedUnits || end.length < longest * wrappedShare) return false;
  if (next.trim() === "") return false;
  return !sentenceEnd.test(end) && !koreanEnd.test(end) && !itemStart.test(next);
}

/** For each line, the length of the longest line among those that no blank line parts it from. */
function longestLineOfParagraph(lines: readonly string[]): number[] {
  const longest = new Array<number>(lines.length).fill(0);
  let from = 0;
  for (let index = 0; index <= lines.length; index += 1) {
    const line = index < lines.length ? lines[index]!.trim() : "";
    if (line !== "") continue;
    let maximum = 0;
    for (let at = from; at < index; at += 1) maximum = Math.max(maximum, lines[at]!.trimEnd().length);
    longest.fill(maximum, from, index);
    from = index + 1;
  }
  return longest;
}
