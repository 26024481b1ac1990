import type { AnswerEvent } from "./answer.ts";
import { coalesced } from "./coalesced.ts";
import type { Carried } from "./ports.ts";

/** Characters that wait for a slow reader of an answer, and what any event but text counts as. */
const MAX_WAITING_CHARACTERS = 64 * 1024;
const OTHER_EVENT = 1_024;

/**
 * An answer for a reader who may be slow: deltas of the same section that wait for it become one. None ends inside a grapheme or a `[n]`, so neither do
 * several joined. Stages, citations and ends keep their places among them. Whoever stops reading early also aborts the answer's signal.
 */
export function coalescedAnswer<C extends Carried>(
  events: AsyncIterable<AnswerEvent<C>>,
): AsyncGenerator<AnswerEvent<C>, void, undefined> {
  return coalesced(events, {
    nameOf: (event) => (event.type === "text" ? event.section : undefined),
    merge: (earlier, later) =>
      earlier.type === "text" && later.type === "text" ? { ...earlier, text: earlier.text + later.text } : later,
    sizeOf: (event) => (event.type === "text" ? event.text.length : OTHER_EVENT),
    maxSize: MAX_WAITING_CHARACTERS,
  });
}
