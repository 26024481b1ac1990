import { Code, ConnectError } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { toServerError } from "../errors.ts";

export interface Refusal {
  readonly code: Code;
  readonly response: UniversalServerResponse;
}

const compressions = [compressionGzip, compressionBrotli];
const maxErrorBytes = 1024 * 1024;
const never = new AbortController().signal;

/**
 * Connect decodes the request of a unary call before any interceptor, and answers what it cannot decode itself: INTERNAL for malformed
 * protobuf, and no reason for anything. Makes such an answer again as the chain would have made it; undefined if it is no such answer.
 */
export async function repairRefusal({ status, body, header }: UniversalServerResponse): Promise<Refusal | undefined> {
  if (status === 200 || body === undefined || body === null || header?.get("content-type") !== "application/json") {
    return undefined;
  }
  const compression = compressions.find(({ name }) => name === header.get("content-encoding"));
  const bytes = await readAll(body);
  const json = compression === undefined ? bytes : await compression.decompress(bytes, maxErrorBytes);
  const error = toServerError(errorFromJsonBytes(json, undefined, new ConnectError("", Code.Internal)), never);
  const repaired = errorToJsonBytes(error, undefined);
  const repairedHeader = new Headers(header);
  repairedHeader.delete("content-encoding");
  repairedHeader.set("content-length", String(repaired.byteLength));
  return {
    code: error.code,
    response: { status: codeToHttpStatus(error.code), header: repairedHeader, body: one(repaired) },
  };
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
