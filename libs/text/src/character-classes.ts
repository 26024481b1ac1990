/** What a character is to the word scanner. */
export const characterClass = {
  other: 0,
  /** A letter of an alphabet: words are separated by spaces. */
  letter: 1,
  digit: 2,
  /** Hangul syllables and Jamo. */
  hangul: 3,
  /** Han ideographs. */
  han: 4,
  /** Hiragana, Katakana and the prolonged sound mark. */
  kana: 5,
  /** A combining mark or joiner: belongs to the character before it. */
  mark: 6,
  /** Half of a character outside the Basic Multilingual Plane. */
  surrogate: 7,
} as const;

export type CharacterClass = (typeof characterClass)[keyof typeof characterClass];

const patterns: readonly (readonly [RegExp, CharacterClass])[] = [
  [/\p{Nd}/u, characterClass.digit],
  [/\p{M}|[\u200c\u200d]/u, characterClass.mark],
  [/\p{Script=Hangul}/u, characterClass.hangul],
  [/\p{Script=Han}/u, characterClass.han],
  [/[\p{Script=Hiragana}\p{Script=Katakana}ー]/u, characterClass.kana],
  [/\p{L}|\p{N}/u, characterClass.letter],
];

function classify(character: string): CharacterClass {
  for (const [pattern, name] of patterns) if (pattern.test(character)) return name;
  return characterClass.other;
}

let table: Uint8Array | undefined;

/** The class of every UTF-16 unit; built on first use in some 20 ms, 64 KiB, and then one array read per character. */
export function characterClasses(): Uint8Array {
  if (table) return table;
  table = new Uint8Array(0x10000);
  for (let unit = 0; unit < 0x10000; unit += 1) {
    const isSurrogate = unit >= 0xd800 && unit <= 0xdfff;
    table[unit] = isSurrogate ? characterClass.surrogate : classify(String.fromCharCode(unit));
  }
  return table;
}

/** The class of a character outside the Basic Multilingual Plane. */
export function classOfAstral(character: string): CharacterClass {
  return classify(character);
}
