import { type DescMessage, fromJson, type JsonObject, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { fieldInvalid } from "@quartet/errors";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws {ConnectError} INVALID_ARGUMENT when the bytes are no JSON object */
export function readJsonObject(bytes: Uint8Array): JsonObject {
  let value: JsonValue = null;
  try {
    value = JSON.parse(decoder.decode(bytes)) as JsonValue;
  } catch {
    // What is wrong with it nobody wants to read; the caller has it before them.
  }
  if (isObject(value)) return value;
  throw fieldInvalid("", "The body must be a JSON object in UTF-8.");
}

/** A field that is null is as one that is not there. */
export const isAbsent = (value: JsonValue | undefined): value is null | undefined =>
  value === undefined || value === null;

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A message of the contract from its JSON. A misspelt field is a mistake, as over Connect.
 *
 * @throws {ConnectError} INVALID_ARGUMENT; the host finds the field in its text
 */
export function readMessage<D extends DescMessage>(schema: D, json: JsonValue): MessageShape<D> {
  try {
    return fromJson(schema, json, { ignoreUnknownFields: false });
  } catch (error) {
    throw new ConnectError(
      error instanceof Error ? error.message : "",
      Code.InvalidArgument,
      undefined,
      undefined,
      error,
    );
  }
}
