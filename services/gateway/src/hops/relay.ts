import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { quartetError } from "@quartet/errors";
import { createClient } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Hop, StreamClocks } from "./hop.ts";

/** A chat in the provider's own form. */
export interface ChatToRelay {
  readonly body: Uint8Array;
  /** Whether the reply comes piece by piece. */
  readonly streamed: boolean;
}

export type RelayedEvent =
  /** A part of the reply as the provider sent it; or the events of a streamed one that came together, each on a line of its own. */
  | { readonly type: "chunk"; readonly json: Uint8Array }
  /** Sent once, last: the reply is complete. */
  | { readonly type: "end" }
  /** All of a reply that is not streamed: the only event. */
  | { readonly type: "whole"; readonly json: Uint8Array };

export interface RelayHop {
  /** Passes a chat on. Ends with `end` or `whole`, or fails. */
  relay(chat: ChatToRelay, call: Call): AsyncGenerator<RelayedEvent, void, undefined>;
}

/** A breaker of its own: what a model does that clients choose must not keep answers from being written. */
export function createRelayHop(transport: Transport, hop: Hop, clocks: StreamClocks): RelayHop {
  const client = createClient(GenerationService, transport);
  return {
    async *relay({ body, streamed }, call) {
      // A reply that is not streamed comes at once when all of it is written.
      const { timeoutMs } = call;
      const waits = streamed ? clocks : { firstMs: timeoutMs, idleMs: timeoutMs };
      const open = (options: object) => client.relayChat({ body: body as Uint8Array<ArrayBuffer> }, options);
      let last: RelayedEvent | undefined;
      try {
        for await (const { event } of hop.stream(call, waits, open)) {
          if (event.case === "chunk") yield { type: "chunk", json: event.value };
          else if (event.case === "end") last = { type: "end" };
          else if (event.case === "whole") last = { type: "whole", json: event.value.json };
        }
      } catch (error) {
        throw isSwitchedOff(error) ? notEnabled(error) : error;
      }
      // Told only after the stream's own end: an error may still come behind the last message.
      if (last === undefined) throw new Refusal("STREAM_TRUNCATED", "The reply broke off before its end. Ask again.");
      yield last;
    },
  };
}

/** What is between services elsewhere is the operator's word here: this service passes no chats on. */
const isSwitchedOff = (error: unknown): boolean =>
  error instanceof ConnectError && error.cause instanceof ConnectError && error.cause.code === Code.Unimplemented;

const notEnabled = (cause: unknown) =>
  quartetError({
    code: Code.Unimplemented,
    reason: "NOT_ENABLED",
    message: "No chats are passed on to models here; the model `quartet` answers from the documents.",
    cause,
  });
