import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { StatusSchema } from "@quartet/contracts/google/rpc/status";
import type { Metadata, StatusObject } from "@grpc/grpc-js";
import { toHeaders, toMetadata } from "./metadata.ts";

const detailsKey = "grpc-status-details-bin";
const typePrefix = "type.googleapis.com/";

/** What grpc-js sends for an error: code, text and details, with the headers and trailers that the handler has set. */
export function toStatus(error: ConnectError, ...headers: readonly Headers[]): StatusObject {
  const details = error.rawMessage;
  const metadata = toMetadata(...headers, ...(error.isWireError ? [] : [error.metadata]));
  if (error.details.length > 0 || details.includes("%")) {
    const status = create(StatusSchema, { code: error.code, message: details, details: error.details.map(toAny) });
    metadata.set(detailsKey, Buffer.from(toBinary(StatusSchema, status)));
  }
  return { code: error.code as number, details, metadata };
}

function toAny(detail: ConnectError["details"][number]) {
  return "desc" in detail
    ? { typeUrl: typePrefix + detail.desc.typeName, value: toBinary(detail.desc, create(detail.desc, detail.value)) }
    : { typeUrl: typePrefix + detail.type, value: detail.value };
}

/** The error of a status that is not OK, with its details and metadata. */
export function fromStatus({ code, details, metadata }: StatusObject, header: Headers): ConnectError {
  const status = readDetails(metadata);
  const error = new ConnectError(status?.message ?? decode(details), code in Code ? (code as number) : Code.Unknown);
  header.forEach((value, key) => error.metadata.append(key, value));
  toHeaders(metadata).forEach((value, key) => error.metadata.append(key, value));
  error.details = (status?.details ?? []).map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  error.isWireError = true;
  return error;
}

function readDetails(metadata: Metadata) {
  const [bytes] = metadata.get(detailsKey);
  if (!(bytes instanceof Buffer)) return undefined;
  try {
    return fromBinary(StatusSchema, bytes);
  } catch {
    return undefined;
  }
}

/** grpc-js decodes what encodeURI encodes; peers that use encodeURIComponent leave a rest. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
