/** Unicode Normalization Form C: the one form in which texts are stored, compared and counted. */
export function nfc(text: string): string {
  return text.normalize("NFC");
}

/** False when the text holds a lone surrogate, which no UTF-8 encoder can write. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/** True when the text holds U+0000, which PostgreSQL and C libraries refuse. */
export function hasNul(text: string): boolean {
  return text.includes("\0");
}
