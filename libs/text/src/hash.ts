/**
 * A 32-bit hash of a string's UTF-16 units: FNV-1a, finished with MurmurHash3's mixer so that low bits are as good as
 * high ones. Frozen: tables and embedding spaces are made with it.
 */
export function hashString(text: string): number {
  return mix(hashRange(text, 0, text.length));
}

/** The same hash of `text.slice(start, end)`, without making that string. */
export function hashSlice(text: string, start: number, end: number): number {
  return mix(hashRange(text, start, end));
}

function hashRange(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash;
}

/** MurmurHash3's fmix32 (Austin Appleby, public domain). */
export function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
