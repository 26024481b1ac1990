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

/** Filled as characters are met: 64 KiB, and one array read for a character seen before. */
const known = new Uint8Array(0x1_0000).fill(0xff);

/** The class of a UTF-16 unit. */
export function classOfUnit(unit: number): CharacterClass {
  const found = known[unit]!;
  if (found !== 0xff) return found as CharacterClass;
  const isSurrogate = unit >= 0xd800 && unit <= 0xdfff;
  const unitClass = isSurrogate ? characterClass.surrogate : classOfCharacter(String.fromCharCode(unit));
  known[unit] = unitClass;
  return unitClass;
}

/** The class of a whole character, of any plane. */
export function classOfCharacter(character: string): CharacterClass {
  for (const [pattern, name] of patterns) if (pattern.test(character)) return name;
  return characterClass.other;
}
