import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Relative frequency (share of all tokens) of each word in a wordfreq list. */
export type WordFrequencies = ReadonlyMap<string, number>;

/**
 * Reads one of wordfreq's lists: gzip of MessagePack, an array whose first item is a header and whose item i holds the
 * words with frequency 10^((1 - i) / 100). Only what such a file contains is decoded: arrays, strings and one small map.
 */
export function readCentibelList(path: string): WordFrequencies {
  const buckets = decode(gunzipSync(readFileSync(path)));
  if (!Array.isArray(buckets) || !(buckets[0] instanceof Map) || buckets[0].get("format") !== "cB") {
    throw new Error(`${path} is not a centibel word list`);
  }
  const frequencies = new Map<string, number>();
  for (const [index, words] of buckets.slice(1).entries()) {
    for (const word of words as string[]) frequencies.set(word, 10 ** (-index / 100));
  }
  return frequencies;
}

/** MessagePack (msgpack.org), as far as the lists use it. */
function decode(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const unsigned = (width: 1 | 2 | 4): number => {
    const value = width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at) : view.getUint32(at);
    at += width;
    return value;
  };
  const string = (length: number): string => {
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  const array = (length: number): unknown[] => Array.from({ length }, () => value());
  const value = (): unknown => {
    const tag = unsigned(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return new Map(Array.from({ length: tag & 0x0f }, () => [value(), value()] as const));
    if (tag < 0xa0) return array(tag & 0x0f);
    if (tag < 0xc0) return string(tag & 0x1f);
    if (tag === 0xd9) return string(unsigned(1));
    if (tag === 0xda) return string(unsigned(2));
    if (tag === 0xdc) return array(unsigned(2));
    if (tag === 0xdd) return array(unsigned(4));
    throw new Error(`MessagePack tag ${tag} is not used in a word list`);
  };
  return value();
}
