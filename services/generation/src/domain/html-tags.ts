import type { KnownLinks } from "./known-links.ts";
import { asIs, type Decision } from "./link-marks.ts";

interface Rules {
  readonly known: KnownLinks;
  /** Whether no more of the text is looked at. */
  readonly isLast: boolean;
}

/** Elements that load, run, send or hide something. */
const neverShown: ReadonlySet<string> = new Set(
  (
    "script style link meta base iframe frame frameset object embed applet form input button textarea svg math template " +
    "noscript xml plaintext xmp portal"
  ).split(" "),
);
/** Attributes with one URL. */
const urlAttributes: ReadonlySet<string> = new Set(["src", "href", "cite", "poster"]);
/** Attributes that lead nowhere. */
const harmless: ReadonlySet<string> = new Set(
  (
    "alt title class id lang dir width height align valign colspan rowspan scope start type value reversed open datetime " +
    "role target rel"
  ).split(" "),
);

const autolink = /^<[a-z][a-z0-9+.-]{1,31}:[^\s<>]*/i;
const name = /^<\/?([a-z][a-z0-9-]*)/i;
const whole = /^<\/?[a-z][a-z0-9-]*(?:"[^"]*"|'[^']*'|[^"'<>])*>/i;
/** Another one begins before its end, or a paragraph: it is no tag. */
const broken = /^<\/?[a-z][a-z0-9-]*(?:"[^"]*"|'[^']*'|[^"'<>])*?(?:<|\n[ \t]*\n)/i;
const attribute = /([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?/g;

/** With a space behind it, it begins no tag for any reader. */
const notATag: Decision = { length: 1, by: "< " };

/** A tag of HTML, or an address between `<` and `>`, at the beginning of a text. What stands between tags stays. */
export function tagAt(text: string, { known, isLast }: Rules): Decision {
  if (text === "<") return isLast ? asIs("<") : undefined;
  if (/^<[!?]/.test(text)) return notATag;
  const address = autolink.exec(text)?.[0];
  if (address !== undefined) {
    if (address.length === text.length) return isLast ? notATag : undefined;
    if (text[address.length] !== ">") return notATag;
    return known.isKnownUrl(address.slice(1)) ? asIs(`${address}>`) : removed(address.length + 1, "…");
  }
  const named = name.exec(text);
  if (named === null) return text === "</" && !isLast ? undefined : asIs("<");
  const after = text[named[0].length];
  if (after === undefined) return isLast ? asIs("<") : undefined;
  if (!/[\s/>]/.test(after)) return /[+.:]/.test(after) && text.length < 34 && !isLast ? undefined : asIs("<");
  const tag = whole.exec(text)?.[0];
  const brokenAt = broken.exec(text)?.[0].length ?? Infinity;
  if (brokenAt < (tag?.length ?? Infinity)) return notATag;
  if (tag === undefined) return isLast ? notATag : undefined;
  return isHarmless(named[1]!.toLowerCase(), tag.slice(named[0].length, -1), known)
    ? asIs(tag)
    : removed(tag.length, "");
}

const removed = (length: number, by: string): Decision => ({ length, by, isRemoval: true });

function isHarmless(element: string, attributes: string, known: KnownLinks): boolean {
  if (neverShown.has(element) || attributes.includes("<")) return false;
  return [...attributes.matchAll(attribute)].every(([, attributeName = "", quoted = ""]) => {
    const lower = attributeName.toLowerCase();
    const value = /^["']/.test(quoted) ? quoted.slice(1, -1) : quoted;
    return harmless.has(lower) || (urlAttributes.has(lower) && known.isKnownHost(value));
  });
}
