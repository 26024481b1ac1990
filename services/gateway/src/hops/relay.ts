import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { GenerationService } from "@quartet/contracts/generation/v1/generation_service";
import { quartetError } from "@quartet/errors";
import { createClient } from "@quartet/rpc";
import type { Call } from "../domain/stages.ts";
import { Refusal } from "../domain/refusal.ts";
import { unexpectedReply } from "./hop-errors.ts";
import type { Hop, StreamClocks } from "./hop.ts";

/** Passes chats on; each is the body that the client sent. */
export interface RelayHop {
  /** For a chat that is not streamed: the provider's reply, as it is. */
  complete(body: Uint8Array, call: Call): Promise<Uint8Array>;
  /** For a streamed one: the events that came together, each on a line of its own. Ends when the reply is complete, or fails. */
  stream(body: Uint8Array, call: Call): AsyncGenerator<Uint8Array, void, undefined>;
}

/** A breaker of its own: what a model does that clients choose must not keep answers from being written. */
export function createRelayHop(transport: Transport, hop: Hop, clocks: StreamClocks): RelayHop {
  const client = createClient(GenerationService, transport);
  return {
    complete: async (body, call) => {
      try {
        const { json } = await hop.once(call, (options) => client.relayChat(requestOf(body), options));
        if (json.byteLength === 0) throw unexpectedReply("generation");
        return json;
      } catch (error) {
        throw isSwitchedOff(error) ? notEnabled(error) : error;
      }
    },
    async *stream(body, call) {
      let isWhole = false;
      try {
        for await (const { event } of hop.stream(call, clocks, (options) =>
          client.streamRelayChat(requestOf(body), options),
        )) {
          if (event.case === "chunk") yield event.value;
          else if (event.case === "end") isWhole = true;
        }
      } catch (error) {
        throw isSwitchedOff(error) ? notEnabled(error) : error;
      }
      // Told only after the stream's own end: an error may still come behind the last message.
      if (!isWhole) throw new Refusal("STREAM_TRUNCATED", "The reply broke off before its end. Ask again.");
    },
  };
}

const requestOf = (body: Uint8Array) => ({ body: body as Uint8Array<ArrayBuffer> });

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
