import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { ConnectError, Code } from "@connectrpc/connect";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { beginTurn } from "@quartet/turns";
import { malformedRequest, messageTooLarge, plainError } from "../errors.ts";

const same = (bytes: Buffer) => bytes;

/**
 * A method as grpc-js knows it, over bytes: grpc-js answers INTERNAL for whatever a deserializer throws and loses what a serializer
 * throws, so messages are encoded and decoded around it.
 */
export function methodDefinition(method: DescMethod): MethodDefinition<Buffer, Buffer> {
  const { methodKind } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** A service as grpc-js knows it, keyed by the methods' local names. */
export function serviceDefinition({ methods }: DescService): ServiceDefinition {
  return Object.fromEntries(methods.map((method) => [method.localName, methodDefinition(method)]));
}

/** Throws MESSAGE_TOO_LARGE over the limit. */
export function encode(
  type: DescMessage,
  message: Message,
  direction: "request" | "response",
  maxBytes: number,
): Buffer {
  const bytes = toBinary(type, message);
  if (bytes.byteLength > maxBytes) throw messageTooLarge(direction, maxBytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Throws INVALID_ARGUMENT: the caller sent what is no such message. */
export function decodeRequest(type: DescMessage, bytes: Buffer): Message {
  beginTurn();
  try {
    return decode(type, bytes);
  } catch (error) {
    throw malformedRequest(error);
  }
}

/** Throws INTERNAL: a service of ours, or of another version, sent what is no such message. */
export function decodeResponse(type: DescMessage, bytes: Buffer): Message {
  try {
    return decode(type, bytes);
  } catch (error) {
    throw error instanceof ConnectError ? error : plainError(Code.Internal, error);
  }
}

/** Fields of bytes are views of the message; as plain Uint8Array they are the same whatever carried them. */
function decode(type: DescMessage, bytes: Buffer): Message {
  return fromBinary(type, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
