/**
 * Compares two strings by code points, which is the order of their bytes in UTF-8: as SQLite, PostgreSQL (collation "C")
 * and Elasticsearch sort them. JavaScript's own order differs where characters beyond U+FFFF meet those from U+E000.
 */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above every other unit, so they rank last. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
