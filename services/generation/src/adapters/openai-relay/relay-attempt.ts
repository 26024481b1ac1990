import type { KeyAttempt } from "@quartet/key-pool";
import { type CallContext, type ProviderClient, type ProviderReply, StreamBrokenError } from "@quartet/provider";
import type { Chat } from "../../domain/relay/chat-relay.ts";
import type { Pace } from "../pace.ts";
import { pacedEvents } from "../paced-events.ts";
import { readRelayedEvent, readWholeReply } from "./chat-reply.ts";
import type { RelayBill } from "./relay-bill.ts";

/** Events of a streamed reply that came together, each on a line of its own. */
export interface Relayed {
  readonly data: string;
  /** Whether all that the client waits for has come: only the usage may follow. */
  readonly isWhole: boolean;
}

export interface RelayAttemptOptions {
  readonly client: ProviderClient;
  readonly chat: Chat;
  readonly bill: RelayBill;
}

const PATH = "/chat/completions";

/** One attempt with one key, for a reply that is not streamed; gives it as the provider sent it. */
export async function relayWhole(
  apiKey: string,
  context: KeyAttempt,
  { maxReplyBytes, ...options }: RelayAttemptOptions & { readonly maxReplyBytes: number },
): Promise<string> {
  const { bill } = options;
  const { data, value } = await (await post(apiKey, { ...context, maxReplyBytes }, options)).whole();
  const usage = readWholeReply(value);
  if (usage === undefined) bill.wrote(data.length);
  else bill.reported(usage);
  return data;
}

/**
 * One attempt with one key, for a streamed reply. The first value comes when the model has begun to write: what is before that, such as the role
 * alone, is kept back, so that an attempt that breaks off there can be made again.
 *
 * @throws {StreamBrokenError} when a choice has no finish reason at the end, or there is none at all
 */
export async function* relayEvents(
  apiKey: string,
  context: KeyAttempt,
  options: RelayAttemptOptions & { readonly pace: Pace },
): AsyncGenerator<Relayed, void, undefined> {
  const { chat, bill, pace } = options;
  const reply = await post(apiKey, context, options);
  const progress = createProgress(chat, bill);
  const paced = pace.begin();
  let keptBack: string[] = [];
  try {
    for await (const events of pacedEvents(reply, paced)) {
      for (const { data, value } of events) if (progress.take(value)) keptBack.push(onOneLine(data));
      if (keptBack.length === 0 || !(progress.hasBegun || keptBack.length >= MAX_KEPT_BACK)) continue;
      paced.went();
      const parts = joined(keptBack);
      keptBack = [];
      for (const [index, data] of parts.entries()) {
        yield { data, isWhole: progress.isWhole && index === parts.length - 1 };
      }
    }
  } catch (error) {
    // Once the reply is whole, nothing speaks against key or provider.
    if (!progress.isWhole) throw error;
  } finally {
    paced.end();
  }
  if (!progress.hasEnded) throw new StreamBrokenError("the stream ended without a finish_reason");
}

/** Only here a call can fail so that it costs nothing: what is refused, or finds no connection, has no reply to read. */
async function post(
  apiKey: string,
  context: KeyAttempt & Pick<CallContext, "maxReplyBytes">,
  { client, chat, bill }: RelayAttemptOptions,
): Promise<ProviderReply> {
  bill.called(context);
  try {
    return await client.post(apiKey, PATH, chat.body, { ...context, sent: () => bill.sent() });
  } catch (error) {
    bill.failed(error);
    throw error;
  }
}

/** More than this before the first word is something that the client should see. */
const MAX_KEPT_BACK = 8;

/** In characters, each of which is 3 bytes at most: less than the 4 MiB that a message may have. */
const MAX_JOINED = 1024 ** 2;

/** Joins lines as long as they fit into one message; one that is too long alone stays alone. */
function joined(lines: readonly string[]): string[] {
  const parts: string[] = [];
  let part = "";
  for (const line of lines) {
    if (part !== "" && part.length + line.length >= MAX_JOINED) {
      parts.push(part);
      part = "";
    }
    part += part === "" ? line : `\n${line}`;
  }
  return [...parts, part];
}

/** Between its values JSON may be broken into lines; within them it has none. */
const onOneLine = (json: string): string => (/[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, " ") : json);

/** How far a streamed reply has come. */
function createProgress({ choices, wantsUsage }: Chat, bill: RelayBill) {
  const open = new Set<number>();
  const ended = new Set<number>();
  let hasBegun = false;
  return {
    /** Whether the model has written something. */
    get hasBegun() {
      return hasBegun;
    },
    /** Whether every choice that began has ended. */
    get hasEnded() {
      return open.size === 0 && ended.size > 0;
    },
    /** Whether every choice that was asked for has. */
    get isWhole() {
      return open.size === 0 && ended.size >= choices;
    },
    /** Takes the next event, and tells whether it is the client's to see. */
    take(value: unknown): boolean {
      const event = readRelayedEvent(value);
      if (event.usage !== undefined) bill.reported(event.usage);
      if (event.characters > 0) bill.wrote(event.characters);
      for (const index of event.open) if (!ended.has(index)) open.add(index);
      for (const index of event.ended) {
        ended.add(index);
        open.delete(index);
      }
      hasBegun ||= event.characters > 0 || event.ended.length > 0;
      return wantsUsage || !event.isUsageOnly;
    },
  };
}
