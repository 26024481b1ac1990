import { tagAt } from "./html-tags.ts";
import { type KnownLinks, urlAt, urlEnd, urlStart, urlStarts } from "./known-links.ts";
import { asIs, closingAt, type Decision, linkAt } from "./link-marks.ts";

/** Takes links out of a model's text while it streams. */
export interface AnswerLinks {
  /** Takes the next piece; returns what can be shown, which may be nothing. */
  push(text: string): string;
  /** Returns the rest. */
  finish(): string;
  /** Whether a link, an image or a URL was removed. */
  readonly hasRemoved: boolean;
}

/** A longer link, tag or URL is nobody's. It bounds what is held back. */
const maxUnits = 1_024;

/** Where something may begin that leads somewhere. */
const trigger = new RegExp(`!?\\[|\\]|<|${urlStart.source}`, "giu");
const starts = ["![", ...urlStarts];
const maxStartUnits = Math.max(...starts.map(({ length }) => length));

/**
 * Removes links and images to hosts that no document is from: of Markdown, of HTML, and URLs in the text. Each of them could carry what the model
 * has read to somebody else, images without a click. Words of a link stay; a URL becomes `…`. However the text is cut into pieces, what is shown
 * is the same, and no piece ends inside a link.
 */
export function createAnswerLinks(known: KnownLinks): AnswerLinks {
  let pending = "";
  /** What was shown last, as far as anything can begin there. */
  let before = "";
  let isInLongUrl = false;
  let hasRemoved = false;

  const clean = (words: string): string => {
    const inner = createAnswerLinks(known);
    return inner.push(words) + inner.finish();
  };
  const decide = (text: string, isLast: boolean): Decision => {
    const rules = { known, isLast, clean };
    if (/^!?\[/.test(text)) return linkAt(text, rules);
    if (text.startsWith("]")) return closingAt(text, rules);
    if (text.startsWith("<")) return tagAt(text, rules);
    return plainUrlAt(text, rules);
  };

  const take = (isEnd: boolean): string => {
    let shown = "";
    const show = (text: string) => {
      shown += text;
      before = (before + text).slice(-maxUnits);
    };
    const showPending = (length: number) => {
      show(pending.slice(0, length));
      pending = pending.slice(length);
    };
    while (pending !== "") {
      if (isInLongUrl) {
        const end = pending.search(urlEnd);
        isInLongUrl = end < 0;
        pending = isInLongUrl ? "" : pending.slice(end);
        continue;
      }
      trigger.lastIndex = before.length;
      const found = trigger.exec(before + pending);
      if (found === null) {
        showPending(pending.length - (isEnd ? 0 : startAtEnd(pending)));
        break;
      }
      showPending(found.index - before.length);
      const window = pending.slice(0, maxUnits);
      const decision = decide(window, isEnd || window.length === maxUnits);
      if (decision === undefined) break;
      const { by, isRemoval = false, isCut = false } = decision;
      pending = pending.slice(decision.length);
      isInLongUrl = isCut;
      hasRemoved ||= isRemoval;
      if (!isRemoval || isCut) {
        show(by);
        continue;
      }
      // What stood around it must not close up to another link: it is looked at again with what follows, and kept off what was shown.
      if (closesUp(before, by)) show(separatorAfter(before));
      pending = by + pending;
    }
    return shown;
  };

  return {
    push(text) {
      pending += text;
      return take(false);
    },
    finish: () => take(true),
    get hasRemoved() {
      return hasRemoved;
    },
  };
}

function plainUrlAt(
  text: string,
  { known, isLast }: { readonly known: KnownLinks; readonly isLast: boolean },
): Decision {
  const { url, isWhole } = urlAt(text);
  if (!isWhole && !isLast) return undefined;
  const isCut = !isWhole && text.length === maxUnits;
  if (!isCut && known.isKnownUrl(url)) return asIs(url);
  return { length: isCut ? text.length : url.length, by: "…", isRemoval: true, isCut };
}

/** The beginning of a tag, or of an address in angle brackets, at the end. */
const nameAtEnd = /<\/?[a-z][a-z0-9+.-]*$/i;

/** Whether what comes could make a link of what was shown: the end of words, or the beginning of a tag or of a URL. */
function closesUp(before: string, next: string): boolean {
  if (before.endsWith("]")) return next === "" || /^[(:]/.test(next);
  return /(?:<\/?|\\)$/.test(before) || nameAtEnd.test(before) || startAtEnd(before) > 0;
}

/** Keeps apart what stands around something that is gone. A space behind the name of an element would make the beginning of a tag of it. */
const separatorAfter = (before: string): string => (nameAtEnd.test(before) ? "…" : " ");

/** How many units at the end may be the beginning of a trigger. */
function startAtEnd(text: string): number {
  const tail = text.slice(-maxStartUnits).toLowerCase();
  for (let length = tail.length; length > 0; length -= 1) {
    if (starts.some((start) => start.startsWith(tail.slice(-length)))) return length;
  }
  return 0;
}
