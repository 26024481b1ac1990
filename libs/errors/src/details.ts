import { durationMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@quartet/contracts/google/rpc/error_details";
import type { FieldViolation } from "./field-violation.ts";
import { domain, isReason, type Reason } from "./reason.ts";

/** The reason of an error made by Quartet, here or across a wire; undefined for any other error and for reasons newer than this build. */
export function reasonOf(error: unknown): Reason | undefined {
  const text = reasonTextOf(error);
  return text !== undefined && isReason(text) ? text : undefined;
}

/** As `reasonOf`, but with the text of a reason this build does not know yet: for showing, not for deciding. */
export function reasonTextOf(error: unknown): string | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  return error.findDetails(ErrorInfoSchema).find((info) => info.domain === domain)?.reason;
}

/** Further facts of an error made by Quartet, as it gave them in `metadata`; none of any other error. */
export function factsOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof ConnectError)) return {};
  return error.findDetails(ErrorInfoSchema).find((info) => info.domain === domain)?.metadata ?? {};
}

/** How long the error asks to wait before another attempt, in milliseconds; undefined if it does not say. */
export function retryDelayMsOf(error: unknown): number | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay === undefined ? undefined : durationMs(delay);
}

/** The fields an error names as invalid; none if it names none. */
export function violationsOf(error: unknown): readonly FieldViolation[] {
  if (!(error instanceof ConnectError)) return [];
  return error
    .findDetails(BadRequestSchema)
    .flatMap((request) => request.fieldViolations)
    .map(({ field, description }) => ({ field, description }));
}
