import { mix } from "./hash.ts";

/**
 * A read-only map from 32-bit hashes to idf weights, in two bytes an entry: groups of eight slots, each slot a
 * fingerprint of 8 bits and a weight of 8 bits. A key's group comes from its hash, its slot is found by fingerprint.
 * A key that is in no slot is rarer than all that are, and weighs `maximumIdf`. About 3 % of such keys meet another's
 * fingerprint and get its weight.
 *
 * File: "QIDF", version (u8), three zero bytes, group count (u32 LE), maximum idf (f32 LE), then the groups: eight
 * fingerprints, eight weights. A weight of 0 is an empty slot; w stands for maximum x w / 255.
 */
export interface IdfTable {
  readonly maximumIdf: number;
  /** The weight of the key with this hash, in (0, maximumIdf]. */
  idf(hash: number): number;
}

export interface IdfEntry {
  readonly hash: number;
  /** Natural logarithm of (passages / passages with the key). */
  readonly idf: number;
}

const magic = 0x46444951; // "QIDF", little-endian
const version = 1;
const headerBytes = 16;
const slotsPerGroup = 8;

/** Throws a RangeError on anything but a whole table of this version. */
export function readIdfTable(bytes: Uint8Array): IdfTable {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = bytes.byteLength < headerBytes ? 0 : view.getUint32(8, true);
  const isTable = groups > 0 && view.getUint32(0, true) === magic && view.getUint8(4) === version;
  if (!isTable || bytes.byteLength !== headerBytes + groups * slotsPerGroup * 2) {
    throw new RangeError("not an idf table of version 1");
  }
  const maximumIdf = view.getFloat32(12, true);
  const step = maximumIdf / 255;
  return {
    maximumIdf,
    idf(hash) {
      const base = headerBytes + (hash % groups) * slotsPerGroup * 2;
      const print = fingerprint(hash);
      for (let slot = base; slot < base + slotsPerGroup; slot += 1) {
        const weight = bytes[slot + slotsPerGroup]!;
        if (weight === 0) break;
        if (bytes[slot] === print) return weight * step;
      }
      return maximumIdf;
    },
  };
}

/** Where a group is full the most frequent keys keep their place: the others are near the maximum anyway. */
export function writeIdfTable(
  entries: Iterable<IdfEntry>,
  { groups, maximumIdf }: { readonly groups: number; readonly maximumIdf: number },
): Uint8Array {
  const bytes = new Uint8Array(headerBytes + groups * slotsPerGroup * 2);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint8(4, version);
  view.setUint32(8, groups, true);
  view.setFloat32(12, maximumIdf, true);
  const filled = new Uint8Array(groups);
  for (const { hash, idf } of [...entries].sort((a, b) => a.idf - b.idf || a.hash - b.hash)) {
    const weight = Math.max(1, Math.round((idf / maximumIdf) * 255));
    const group = hash % groups;
    const used = filled[group]!;
    if (weight >= 255 || used === slotsPerGroup) continue;
    const slot = headerBytes + group * slotsPerGroup * 2 + used;
    bytes[slot] = fingerprint(hash);
    bytes[slot + slotsPerGroup] = weight;
    filled[group] = used + 1;
  }
  return bytes;
}

/** Independent of the group, which is the hash's remainder. */
function fingerprint(hash: number): number {
  return mix(hash ^ 0x9e3779b9) >>> 24;
}
