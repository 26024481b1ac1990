import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@quartet/contracts/google/rpc/error_details";
import type { FieldViolation } from "./field-violation.ts";
import { domain, type Reason } from "./reason.ts";

export interface QuartetErrorOptions {
  /** What kind of failure it is to any caller. */
  readonly code: Code;
  /** What exactly happened, from the contract's registry; its comment there gives the code it goes with. */
  readonly reason: Reason;
  /** What the caller should do about it. Never a host, stack, SQL, secret or text of a user: it leaves the process. */
  readonly message: string;
  /** How long the caller should wait before it tries again; none if waiting does not help. */
  readonly retryDelayMs?: number | undefined;
  /** The fields at fault, with INVALID_ARGUMENT. */
  readonly violations?: readonly FieldViolation[] | undefined;
  /** Further facts a program may act on, as ErrorInfo.metadata; keys are lowerCamel. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** What caused it. It is logged where the error ends, and never sent. */
  readonly cause?: unknown;
}

type Detail = { desc: DescMessage; value: MessageInitShape<DescMessage> };

const detail = <D extends DescMessage>(desc: D, value: MessageInitShape<D>): Detail => ({ desc, value });

/** Makes the error that every handler and host of Quartet fails with: a code, a sentence, and google.rpc details. */
export function quartetError(options: QuartetErrorOptions): ConnectError {
  const { code, reason, message, retryDelayMs, violations, metadata, cause } = options;
  const details = [detail(ErrorInfoSchema, { reason, domain, metadata: { ...metadata } })];
  if (retryDelayMs !== undefined) {
    details.push(detail(RetryInfoSchema, { retryDelay: durationFromMs(Math.max(0, Math.ceil(retryDelayMs))) }));
  }
  if (violations !== undefined && violations.length > 0) {
    details.push(detail(BadRequestSchema, { fieldViolations: violations.map((violation) => ({ ...violation })) }));
  }
  return new ConnectError(message, code, undefined, details, cause);
}
