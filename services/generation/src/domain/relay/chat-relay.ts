import type { Usage } from "../answerer.ts";

/** A chat that may be sent to the provider. */
export interface Chat {
  /** The JSON to send: as the client sent it, byte for byte, but for what the rules had to add. */
  readonly body: Uint8Array;
  /** As the provider names it. */
  readonly model: string;
  /** Whether the client wants the reply piece by piece. */
  readonly streamed: boolean;
  /** Whether the client asked for the event of a stream that tells the usage; the provider is always asked for it. */
  readonly wantsUsage: boolean;
  /** Replies asked for at once; from 1. */
  readonly choices: number;
  /** The most tokens the model may write, all choices together; undefined where neither client nor operator says. */
  readonly maxOutputTokens: number | undefined;
}

/** A reply that came at once. */
export interface WholeReply {
  /** JSON as the provider sent it. */
  readonly json: Uint8Array;
  readonly usage: Usage;
}

export type RelayEvent =
  /** Events that came together, as the provider sent them and whole, each on a line of its own. */
  | { readonly kind: "chunk"; readonly json: Uint8Array }
  /** The reply is complete. */
  | { readonly kind: "end"; readonly usage: Usage };

export interface RelayOptions {
  /** On whose behalf. */
  readonly tenant: string;
  /** Aborted when nobody waits for the reply any more. */
  readonly signal: AbortSignal;
  /** The time left for the whole reply. Default: the relay's own limit. */
  readonly timeoutMs?: number | undefined;
  /** Told once what calls to the provider were billed for, also where nobody waits for the end; not at all where none was made. */
  readonly onUsage?: ((usage: Usage) => void) | undefined;
}

/**
 * Passes chats to a provider.
 *
 * @throws {AnswererError} when there is no reply, or no more of it; its `usage` is what was spent
 * @throws {ChatRefusedError} the provider does not take the chat
 */
export interface ChatRelay {
  /** A chat that is not streamed. */
  complete(chat: Chat, options: RelayOptions): Promise<WholeReply>;
  /** A streamed one: any number of chunks, then one end. */
  stream(chat: Chat, options: RelayOptions): AsyncIterable<RelayEvent>;
}
