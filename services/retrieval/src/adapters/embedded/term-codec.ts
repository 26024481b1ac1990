/** How often each of a passage's distinct terms occurs, terms ascending. */
export interface TermCounts {
  readonly termIds: Uint32Array;
  readonly counts: Uint32Array;
}

/** Written as two LEB128 numbers each: the distance to the term before, and the count. About two and a half bytes a term. */
export function encodeTerms({ termIds, counts }: TermCounts): Uint8Array {
  const bytes = new Uint8Array(termIds.length * 10);
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
  for (let index = 0; index < termIds.length; index += 1) {
    write(termIds[index]! - previous);
    write(counts[index]!);
    previous = termIds[index]!;
  }
  return bytes.slice(0, length);
}

/** Calls `visit` for each term. Throws a RangeError on bytes that `encodeTerms` cannot have made. */
export function forEachTerm(bytes: Uint8Array, visit: (termId: number, count: number) => void): void {
  const end = bytes.length;
  let at = 0;
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

/** The inverse of `encodeTerms`. */
export function decodeTerms(bytes: Uint8Array): TermCounts {
  const termIds: number[] = [];
  const counts: number[] = [];
  forEachTerm(bytes, (termId, count) => {
    termIds.push(termId);
    counts.push(count);
  });
  return { termIds: Uint32Array.from(termIds), counts: Uint32Array.from(counts) };
}
