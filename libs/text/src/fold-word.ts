/**
 * The form in which a word or name is compared, however it is typed: compatibility forms made plain (NFKC), lower case, Latin letters without their
 * marks (Pokémon, pokemon).
 */
export function foldWord(word: string): string {
  if (/^[a-z0-9]*$/.test(word)) return word;
  const folded = word.normalize("NFKC").toLowerCase();
  return withoutAccents(folded).normalize("NFC");
}

/** Latin letters without their marks (café, naïve); other alphabets keep theirs, where they often make another letter. */
export function withoutAccents(word: string): string {
  if (!/[\u00c0-\u024f\u1e00-\u1eff]/.test(word)) return word;
  return word.normalize("NFD").replace(/\p{M}/gu, "").normalize("NFC");
}
