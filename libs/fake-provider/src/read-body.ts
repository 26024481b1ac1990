import type { IncomingMessage } from "node:http";

export interface ReadBody {
  /** The parsed JSON; undefined when there is no body, the text when it is no JSON. */
  readonly value: unknown;
  readonly bytes: number;
}

/** The body is longer than may be. */
export class BodyTooLongError extends Error {
  override readonly name = "BodyTooLongError";
}

/** @throws {BodyTooLongError} and what the connection fails with */
export async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<ReadBody> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) reject(new BodyTooLongError());
    else chunks.push(chunk);
  });
  incoming.once("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
  incoming.once("error", reject);
  return { value: parse((await promise).toString("utf8")), bytes };
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
