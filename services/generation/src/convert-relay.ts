import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type {
  RelayChatResponseSchema,
  StreamRelayChatResponseSchema,
} from "@quartet/contracts/generation/v1/generation_service";
import { quartetError } from "@quartet/errors";
import { toTokenUsage } from "@quartet/rpc";
import { toConnectError } from "./convert.ts";
import { AnswererError } from "./domain/answerer-error.ts";
import { ChatRefusedError } from "./domain/relay/chat-refused-error.ts";
import type { RelayEvent, WholeReply } from "./domain/relay/chat-relay.ts";

export function toRelayResponse({ json, usage }: WholeReply): MessageInitShape<typeof RelayChatResponseSchema> {
  return { json: json as Uint8Array<ArrayBuffer>, usage: toTokenUsage(usage) };
}

export function toRelayEvent(event: RelayEvent): MessageInitShape<typeof StreamRelayChatResponseSchema> {
  switch (event.kind) {
    case "chunk":
      return { event: { case: "chunk", value: event.json as Uint8Array<ArrayBuffer> } };
    case "end":
      return { event: { case: "end", value: toTokenUsage(event.usage) } };
  }
}

/** The error of a chat that is not passed on, or gets no whole reply; anything else as it is. */
export function toRelayError(error: unknown): unknown {
  if (error instanceof AnswererError) return toConnectError(error);
  if (!(error instanceof ChatRefusedError)) return error;
  const { reason, message, field, description, providerCode, isMissing, cause } = error;
  return quartetError({
    code: reason === "NOT_ENABLED" ? Code.Unimplemented : isMissing ? Code.NotFound : Code.InvalidArgument,
    reason,
    message,
    ...(reason === "FIELD_INVALID" && { violations: [{ field, description }] }),
    ...(providerCode !== undefined && { metadata: { providerCode } }),
    cause,
  });
}
