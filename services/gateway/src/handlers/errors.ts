import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema } from "@quartet/contracts/google/rpc/error_details";
import { TokenUsageSchema } from "@quartet/contracts/type/v1/usage";
import { quartetError, violationsOf } from "@quartet/errors";
import { addUsage, type Usage } from "../domain/outcome.ts";
import { Refusal, type RefusalReason } from "../domain/refusal.ts";

const codes: Record<RefusalReason, Code> = {
  DEADLINE_TOO_SHORT: Code.DeadlineExceeded,
  OUT_OF_TIME: Code.DeadlineExceeded,
  EMBEDDING_SPACE_MISMATCH: Code.FailedPrecondition,
  STREAM_TRUNCATED: Code.Unavailable,
  CREDENTIAL_INVALID: Code.Unauthenticated,
  ROLE_MISSING: Code.PermissionDenied,
};

/** The one mapping from the decisions of domain/ to errors of the contract; what a hop failed with is one already. */
export function toError(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  return quartetError({ code: codes[error.reason], reason: error.reason, message: error.message, cause: error });
}

/** How a field of an inner request is called in the request that the caller sent; undefined where the caller sent none such. */
export type FieldNames = (field: string) => string | undefined;

/** An inner service's complaint about a request, in the names of the caller's. */
export function withFieldNames(error: unknown, names: FieldNames): unknown {
  const violations = violationsOf(error);
  if (!(error instanceof ConnectError) || violations.length === 0) return error;
  const renamed = violations.map(({ field, description }) => ({ field: names(field) ?? field, description }));
  const details = create(BadRequestSchema, { fieldViolations: renamed });
  return withDetail(error, BadRequestSchema, details, withFieldName(error.rawMessage, violations[0]!.field, names));
}

/** A text that begins with a field, as of most complaints about one, then says what is wrong with it. */
function withFieldName(text: string, field: string, names: FieldNames): string {
  const name = names(field);
  const start = `${field}: `;
  return name !== undefined && field !== "" && text.startsWith(start) ? `${name}: ${text.slice(start.length)}` : text;
}

/** The error of an answer that broke off, with what it has cost all the same: what it says itself, and what was used before. */
export function withUsage(error: unknown, before: Usage | undefined): unknown {
  if (!(error instanceof ConnectError) || before === undefined) return error;
  const usage = addUsage(before, error.findDetails(TokenUsageSchema)[0]);
  return usage === undefined ? error : withDetail(error, TokenUsageSchema, create(TokenUsageSchema, { ...usage }));
}

type Detail = typeof BadRequestSchema | typeof TokenUsageSchema;

/** The same error with this detail in place of those of its kind, and this text. */
function withDetail(
  error: ConnectError,
  desc: Detail,
  value: ReturnType<typeof create<Detail>>,
  text = error.rawMessage,
): ConnectError {
  const result = new ConnectError(text, error.code, error.metadata, undefined, error.cause);
  const others = error.details.filter((each) => ("desc" in each ? each.desc.typeName : each.type) !== desc.typeName);
  result.details = [...others, { desc, value }];
  return result;
}
