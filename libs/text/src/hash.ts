/**
 * A 32-bit hash of a string's UTF-16 units: FNV-1a, finished with MurmurHash3's mixer so that low bits are as good as
 * high ones. Frozen: tables and embedding spaces are made with it.
 */
export function hashString(text: string): number {
  let state = emptyHash;
  for (let index = 0; index < text.length; index += 1) state = hashUnit(state, text.charCodeAt(index));
  return mix(state);
}

/** The state before any unit. */
export const emptyHash = 0x811c9dc5 | 0;

/** The state after one more UTF-16 unit; `mix` of a state is the hash of what it has seen. */
export function hashUnit(state: number, unit: number): number {
  const low = Math.imul(state ^ (unit & 0xff), 0x01000193);
  return Math.imul(low ^ (unit >>> 8), 0x01000193);
}

/** MurmurHash3's fmix32 (Austin Appleby, public domain). */
export function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
