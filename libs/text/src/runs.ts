import { type CharacterClass, characterClass, classOfCharacter, classOfUnit } from "./character-classes.ts";

/** `word`: letters and digits of alphabets, as in B2B; `hangul`, `han`, `kana`: characters of one script in a row. */
export type RunKind = "word" | "hangul" | "han" | "kana";

/**
 * The form in which terms are compared: compatibility forms made plain (NFKC: full width, ligatures, circled digits),
 * lower case. Both directions of this are the same for documents and questions, so nothing is lost.
 */
export function foldCase(text: string): string {
  const folded = text.normalize("NFKC").toLowerCase();
  // Lower-casing can leave decomposed marks (İ); most texts have none and pay one comparison.
  return folded.length === text.length ? folded : folded.normalize("NFC");
}

/**
 * Calls `visit` for each run of characters of one kind, in order, in a text that went through `foldCase`.
 * Inside a word belong an apostrophe between letters, a comma or full stop between digits (1,000; 3.14), and the full
 * stops of an acronym (u.s.a).
 */
export function forEachRun(folded: string, visit: (run: string, kind: RunKind) => void): void {
  let start = -1;
  let kind: RunKind = "word";
  for (let index = 0; index < folded.length;) {
    let unitClass: CharacterClass = classOfUnit(folded.charCodeAt(index));
    let width = 1;
    if (unitClass === characterClass.surrogate) {
      const character = String.fromCodePoint(folded.codePointAt(index)!);
      width = character.length;
      unitClass = width === 2 ? classOfCharacter(character) : characterClass.other;
    }
    const next: RunKind | undefined = start >= 0 && isInner(folded, index, unitClass) ? kind : kindOf(unitClass);
    if (next === undefined || (start >= 0 && next !== kind)) {
      if (start >= 0) visit(folded.slice(start, index), kind);
      start = -1;
    }
    if (next !== undefined && start < 0) {
      start = index;
      kind = next;
    }
    index += width;
  }
  if (start >= 0) visit(folded.slice(start), kind);
}

function kindOf(unitClass: CharacterClass): RunKind | undefined {
  switch (unitClass) {
    case characterClass.letter:
    case characterClass.digit:
      return "word";
    case characterClass.hangul:
      return "hangul";
    case characterClass.han:
      return "han";
    case characterClass.kana:
      return "kana";
    default:
      return undefined;
  }
}

/** True for a character that continues any run it stands in: a mark, or punctuation inside a word or number. */
function isInner(folded: string, index: number, unitClass: CharacterClass): boolean {
  if (unitClass === characterClass.mark) return true;
  if (unitClass !== characterClass.other) return false;
  const unit = folded[index];
  const before = classAt(folded, index - 1);
  const after = classAt(folded, index + 1);
  if (unit === "'" || unit === "’") return before === characterClass.letter && after === characterClass.letter;
  if (unit !== "." && unit !== ",") return false;
  if (before === characterClass.digit) return after === characterClass.digit;
  // An acronym: single letters with stops between (u.s.a).
  if (unit === "," || before !== characterClass.letter || after !== characterClass.letter) return false;
  return classAt(folded, index - 2) === characterClass.other;
}

/** Beyond the ends of a text is nothing of a word. */
function classAt(folded: string, index: number): CharacterClass {
  return index < 0 || index >= folded.length ? characterClass.other : classOfUnit(folded.charCodeAt(index));
}
