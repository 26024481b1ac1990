import type { KeyAttempt } from "@quartet/key-pool";
import { type ProviderClient, type ProviderReply, StreamBrokenError } from "@quartet/provider";
import type { Chat } from "../../domain/relay/chat-relay.ts";
import { readRelayedEvent, readWholeReply } from "./chat-reply.ts";
import type { RelayBill } from "./relay-bill.ts";

/** A JSON value of the reply as the provider sent it. */
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

/**
 * One attempt with one key. The first value comes when the model has begun to write: what is before that, such as the role alone, is kept
 * back, so that an attempt that breaks off there can be made again.
 */
export async function* relayOnce(
  apiKey: string,
  context: KeyAttempt,
  { client, chat, bill }: RelayAttemptOptions,
): AsyncGenerator<Relayed, void, undefined> {
  bill.called(context);
  try {
    const reply = await client.post(apiKey, PATH, chat.body, context);
    if (chat.streamed) yield* relayEvents(reply, chat, bill);
    else yield await relayWhole(reply, bill);
  } catch (error) {
    bill.failed(error);
    throw error;
  }
}

async function relayWhole(reply: ProviderReply, bill: RelayBill): Promise<Relayed> {
  const { data, value } = await reply.whole();
  const usage = readWholeReply(value);
  if (usage === undefined) bill.wrote(data.length);
  else bill.reported(usage);
  return { data, isWhole: true };
}

/** @throws {StreamBrokenError} when a choice has no finish reason at the end, or there is none at all */
async function* relayEvents(reply: ProviderReply, chat: Chat, bill: RelayBill): AsyncGenerator<Relayed> {
  const open = new Set<number>();
  const ended = new Set<number>();
  const keptBack: Relayed[] = [];
  let begun = false;
  for await (const { data, value } of reply.events()) {
    const event = readRelayedEvent(value);
    if (event.usage !== undefined) bill.reported(event.usage);
    if (event.characters > 0) bill.wrote(event.characters);
    for (const index of event.open) if (!ended.has(index)) open.add(index);
    for (const index of event.ended) {
      ended.add(index);
      open.delete(index);
    }
    if (event.isUsageOnly && !chat.wantsUsage) continue;
    const isWhole = open.size === 0 && ended.size >= chat.choices;
    keptBack.push({ data, isWhole });
    begun ||= event.characters > 0 || event.ended.length > 0 || keptBack.length >= MAX_KEPT_BACK;
    if (begun) yield* keptBack.splice(0);
  }
  if (ended.size === 0 || open.size > 0) throw new StreamBrokenError("the stream ended without a finish_reason");
}

/** More than this before the first word is something that the client should see. */
const MAX_KEPT_BACK = 8;
