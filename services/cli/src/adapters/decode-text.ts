/** Why bytes are not a text that can be indexed. */
export class NotTextError extends Error {
  override readonly name = "NotTextError";
}

const utf16Marks = new Set(["fffe", "feff"]);

/**
 * The text of UTF-8 bytes, without a byte order mark.
 *
 * @throws {NotTextError} for NUL bytes and for what is not UTF-8, with what to do
 */
export function decodeText(bytes: Uint8Array): string {
  if (utf16Marks.has(Buffer.from(bytes.subarray(0, 2)).toString("hex"))) {
    throw new NotTextError("not UTF-8 but UTF-16; save it as UTF-8");
  }
  if (bytes.includes(0)) throw new NotTextError("not a text: it holds NUL bytes");
  return decode(new TextDecoder("utf-8", { fatal: true }), bytes, false);
}

/** Decodes one part of a text after another; a character may lie across two parts. */
export function decodeParts(): (bytes: Uint8Array | undefined) => string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return (bytes) => decode(decoder, bytes, bytes !== undefined);
}

function decode(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array | undefined, stream: boolean): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch {
    throw new NotTextError("not UTF-8 text; where it is text, convert it, for example: iconv -f cp949 -t utf-8");
  }
}
