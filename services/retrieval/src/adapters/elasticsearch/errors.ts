import { errors } from "@elastic/elasticsearch";
import { IndexMissingError } from "../../domain/projection.ts";
import { StoreRefusedError, StoreUnavailableError } from "../../domain/store-errors.ts";

export const store = "Elasticsearch";

/** Elasticsearch answered with an error, or not in its protocol, or not at all. */
export class ElasticsearchError extends StoreUnavailableError {
  /** Of HTTP; undefined when there was no answer. */
  readonly status: number | undefined;
  /** Elasticsearch's own name for the error, such as `es_rejected_execution_exception`, or what the connection failed with. */
  readonly type: string;

  constructor(status: number | undefined, type: string) {
    super(store, { cause: new Error(status === undefined ? type : `HTTP ${status}, ${type}`) });
    this.status = status;
    this.type = type;
  }
}

/** Elasticsearch refuses the request as such: a defect of ours, which no other attempt mends. */
export class RefusedRequestError extends StoreRefusedError {
  constructor(type: string) {
    super(store, { cause: new Error(type) });
  }
}

/** The answer is none that Elasticsearch gives. */
export const protocolError = (what: string): ElasticsearchError => new ElasticsearchError(undefined, what);

/**
 * What the port promises in place of what the client says. The client's errors are not kept as causes: they carry addresses, headers and
 * what was sent.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof errors.ResponseError) return responseError(error.statusCode ?? 0, typeOf(error.body));
  if (error instanceof errors.RequestAbortedError) return protocolError("the answer is too large");
  if (error instanceof errors.DeserializationError) return protocolError("the answer is not JSON");
  if (error instanceof errors.ProductNotSupportedError) return protocolError("the server is not Elasticsearch");
  if (error instanceof errors.ElasticsearchClientError) return protocolError(networkReason(error.message));
  return error;
}

function responseError(status: number, type: string): Error {
  if (status === 404 && type === "index_not_found_exception") return new IndexMissingError(store);
  if (status === 400) return new RefusedRequestError(type);
  return new ElasticsearchError(status, type);
}

/** A name of Elasticsearch's; anything else that a server in its place may say is left out. */
function typeOf(body: unknown): string {
  const error = (body as { readonly error?: { readonly type?: unknown } } | null | undefined)?.error;
  return readErrorType(error?.type);
}

/** The error's name where it is one. */
export function readErrorType(type: unknown): string {
  return typeof type === "string" && /^[a-z_]{1,80}$/.test(type) ? type : "unknown error";
}

/** Node's code for it, such as ECONNREFUSED; the message around it names the address. */
function networkReason(message: string): string {
  return /\b(?:E[A-Z_]{4,30}|UND_ERR_[A-Z_]+|CERT_[A-Z_]+|DEPTH_ZERO_[A-Z_]+)\b/.exec(message)?.[0] ?? "no connection";
}
