/** What the prompt asks the model to write, and nothing else, when the passages hold no answer. */
export const noAnswerSentinel = "NO_ANSWER";

/** Watches the beginning of a model's text for the sentinel. */
export interface SentinelWatch {
  /** Takes more text; returns what is surely not the sentinel. Nothing after it was seen. */
  push(text: string): string;
  /** Returns the rest. */
  finish(): string;
  /** Whether the model said that there is no answer. */
  readonly seen: boolean;
}

/** Models like to put quotes, backticks or asterisks around a word they were asked for. */
const lead = /^["'`*“”‘’]{0,4}/u;

/**
 * Holds the beginning back while it may still become the sentinel: a few characters at most of any real answer. White space
 * at the very beginning is dropped.
 */
export function createSentinelWatch(): SentinelWatch {
  let pending = "";
  let state: "watching" | "seen" | "passing" = "watching";

  const isOver = (next: string | undefined) => next === undefined || !/[\p{L}\p{N}_]/u.test(next);

  const decide = (atEnd: boolean): void => {
    const start = lead.exec(pending)![0].length;
    const said = pending.slice(start, start + noAnswerSentinel.length);
    if (!noAnswerSentinel.startsWith(said)) state = "passing";
    else if (said !== noAnswerSentinel) state = atEnd ? "passing" : "watching";
    else if (pending.length > start + said.length || atEnd) {
      state = isOver(pending[start + said.length]) ? "seen" : "passing";
    }
  };

  const release = (atEnd: boolean): string => {
    if (state === "watching") decide(atEnd);
    if (state === "watching") return "";
    const text = state === "seen" ? "" : pending;
    pending = "";
    return text;
  };

  return {
    push(text) {
      pending = state === "watching" ? (pending + text).trimStart() : text;
      return release(false);
    },
    finish: () => release(true),
    get seen() {
      return state === "seen";
    },
  };
}
