import { setImmediate } from "node:timers/promises";
import type { ProviderReply, ReplyJson } from "@quartet/provider";
import type { PacedStream } from "./pace.ts";

/** Timers fire once a millisecond at most. */
const MIN_TIMER_MS = 1;

/**
 * The events of a reply, in each step those that came while the stream rested: what a provider wrote at once, or faster than the process can pass on
 * one by one, goes on as one. The first, which people wait for, goes on at once, as does what is left at the end. Whoever passes something on
 * tells the stream.
 */
export async function* pacedEvents(
  reply: Pick<ProviderReply, "events" | "linger">,
  paced: Pick<PacedStream, "restMs">,
): AsyncGenerator<readonly ReplyJson[], void, undefined> {
  for await (const events of reply.events()) {
    yield events;
    const restMs = paced.restMs();
    if (restMs !== undefined) await (restMs < MIN_TIMER_MS ? setImmediate() : reply.linger(restMs));
  }
}
