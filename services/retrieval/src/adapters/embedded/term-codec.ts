/** How often each of a passage's distinct terms occurs, terms ascending. */
export type TermCounts = readonly (readonly [termId: number, count: number])[];

/** Written as two LEB128 numbers each: the distance to the term before, and the count. About two and a half bytes a term. */
export function encodeTerms(terms: TermCounts): Uint8Array {
  const bytes = new Uint8Array(terms.length * 10);
  let length = 0;
  const write = (value: number) => {
    let rest = value;
    while (rest > 0x7f) {
      bytes[length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[length++] = rest;
  };
  let previous = 0;
  for (const [termId, count] of terms) {
    write(termId - previous);
    write(count);
    previous = termId;
  }
  return bytes.slice(0, length);
}

/**
 * The inverse of `encodeTerms`, of all the bytes or those in [start, end): calls `visit` for each term. Throws a RangeError on bytes that
 * `encodeTerms` cannot have made.
 */
export function forEachTerm(
  bytes: Uint8Array,
  visit: (termId: number, count: number) => void,
  start = 0,
  end = bytes.length,
): void {
  let at = start;
  let termId = 0;
  while (at < end) {
    let shift = 0;
    let delta = 0;
    let byte: number;
    do {
      if (at >= end) throw new RangeError("terms end within a number");
      byte = bytes[at++]!;
      delta |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte > 0x7f);
    shift = 0;
    let count = 0;
    do {
      if (at >= end) throw new RangeError("terms end within a number");
      byte = bytes[at++]!;
      count |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte > 0x7f);
    termId += delta;
    visit(termId, count);
  }
}
