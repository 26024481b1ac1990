import { createReadStream } from "node:fs";
import { decodeParts, NotTextError } from "./decode-text.ts";

/** The longest line that is read, in UTF-16 units: a document at its limit, with every character escaped. */
const maxLineLength = 16 * 1024 * 1024;

/**
 * The lines of a UTF-8 file, without line ends; the file may be of any size.
 *
 * @throws {NotTextError} where it stops being UTF-8, or a line is longer than 16 Mi
 */
export async function* readLines(file: string, signal: AbortSignal): AsyncGenerator<string> {
  const decode = decodeParts();
  let rest = "";
  for await (const part of createReadStream(file, { signal, highWaterMark: 256 * 1024 })) {
    const lines = (rest + decode(part as Buffer)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > maxLineLength) throw new NotTextError("a line is longer than 16 Mi characters");
  }
  rest += decode(undefined);
  if (rest !== "") yield rest;
}
