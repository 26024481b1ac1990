import { crc32 } from "node:zlib";

/*
 * A value as it lies in Redis:
 *
 *     byte 0      the frame's version
 *     byte 1      the version of what is inside, its owner's
 *     bytes 2-5   CRC-32 (IEEE) of byte 1 and of what is inside, big-endian
 *     bytes 6-    what is inside
 */
const FRAME_VERSION = 1;
const HEADER_BYTES = 6;

/** Bytes that a frame adds. */
export const frameOverheadBytes = HEADER_BYTES;

/** @param version of what is inside, 0 to 255. */
export function toFrame(version: number, inside: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + inside.byteLength);
  frame[0] = FRAME_VERSION;
  frame[1] = version;
  frame.set(inside, HEADER_BYTES);
  frame.writeUInt32BE(checksum(frame), 2);
  return frame;
}

/** What is inside, without a copy; undefined where it is of another version, cut, damaged or none of ours. Total: it never throws. */
export function fromFrame(version: number, frame: Buffer): Buffer | undefined {
  if (frame.byteLength < HEADER_BYTES || frame[0] !== FRAME_VERSION || frame[1] !== version) return undefined;
  return frame.readUInt32BE(2) === checksum(frame) ? frame.subarray(HEADER_BYTES) : undefined;
}

const checksum = (frame: Buffer): number => crc32(frame.subarray(HEADER_BYTES), crc32(frame.subarray(1, 2)));
