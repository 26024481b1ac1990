/** Where the value of one member of a JSON object stands in its text, in UTF-16 units; `end` is exclusive. */
export interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The members of a JSON object in the order of its text, those with equal names too: a parser keeps one of them, and parsers differ in
 * which. The text must have been parsed as an object before; nothing is checked again.
 */
export function membersOf(text: string): Member[] {
  const members: Member[] = [];
  let at = text.indexOf("{") + 1;
  for (;;) {
    const nameStart = text.indexOf('"', at);
    // Only an object without members has no name here.
    if (nameStart < 0) return members;
    const nameEnd = afterString(text, nameStart);
    const start = text.indexOf(":", nameEnd) + 1;
    const end = afterValue(text, start);
    members.push({ name: JSON.parse(text.slice(nameStart, nameEnd)) as string, start, end });
    if (text[end] === "}") return members;
    at = end + 1;
  }
}

/** Just behind the string that begins here. */
function afterString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}

/** At the comma or brace behind the value that begins here. */
function afterValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; ; at += 1) {
    const character = text[at];
    if (character === '"') at = afterString(text, at) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (depth === 0 && (character === "," || character === "}")) return at;
    else if (character === "}" || character === "]") depth -= 1;
  }
}
