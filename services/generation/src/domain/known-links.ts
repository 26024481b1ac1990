/** Says which addresses an answer may lead to. */
export interface KnownLinks {
  /** Whether a link or an image may have this destination: http or https, at a host of one of the documents. */
  isKnownHost(destination: string): boolean;
  /** Whether a URL may stand in the text: the same, or a passage has it letter for letter, so that it tells nobody anything new. */
  isKnownUrl(url: string): boolean;
}

export interface LinkedPassage {
  readonly uri: string;
  readonly title: string;
  readonly text: string;
}

/** What a URL begins with where readers' programs make a link of it without being told. Case does not matter. */
export const urlStarts = ["http://", "https://", "ftp://", "www."] as const;
/** The same in a text; `www.` within a word is none. */
export const urlStart = /(?:https?|ftp):\/\/|(?<![\p{L}\p{N}])www\./iu;

/** What does not belong to a URL in running text. Letters outside of ASCII, such as Korean particles, follow one without a space. */
export const urlEnd = /[\s<>"`[\]{}|\\^\u0080-\uffff]/;
/** The longest URL of a passage that is looked for. */
const maxUrlUnits = 2_048;

/** The URL that a text begins with, without punctuation after it. `isWhole`: more text would not make it longer. */
export function urlAt(text: string): { readonly url: string; readonly isWhole: boolean } {
  const head = urlStarts.find((start) => text.slice(0, start.length).toLowerCase() === start)!.length;
  const rest = text.slice(head);
  // Of a host outside of ASCII, or an address in brackets, all up to the next white space.
  const end = rest.search(urlEnd) === 0 ? rest.search(/[\s<>"`]/) : rest.search(urlEnd);
  let length = head + (end < 0 ? rest.length : end);
  while (length > head && isBehind(text.slice(head, length))) length -= 1;
  return { url: text.slice(0, length), isWhole: end >= 0 };
}

/** Whether the last character is punctuation of the sentence, or closes a bracket that was opened before the URL. */
function isBehind(tail: string): boolean {
  return /[.,;:!?'*_~]$/.test(tail) || (tail.endsWith(")") && tail.split(")").length > tail.split("(").length);
}

export function createKnownLinks(passages: readonly LinkedPassage[]): KnownLinks {
  const hosts = new Set(passages.flatMap(({ uri }) => hostOf(uri) ?? []));
  let urls: ReadonlySet<string> | undefined;
  const isKnownHost = (destination: string) => hosts.has(hostOf(destination) ?? "") && !holdsAnother(destination);
  return {
    isKnownHost,
    isKnownUrl(url) {
      if (isKnownHost(/^www\./i.test(url) ? `http://${url}` : url)) return true;
      urls ??= new Set(passages.flatMap(({ title, text }) => urlsIn(`${title}\n${text}`)));
      return urls.has(url);
    },
  };
}

/** Whether there is another URL behind what ends the first for some programs. */
function holdsAnother(url: string): boolean {
  const end = url.search(urlEnd);
  return end >= 0 && urlStart.test(url.slice(end));
}

/** Nothing of a URL that another program could read otherwise: it may take `\@` for `@`, or what stands before an `@` for the host. */
function hostOf(url: string): string | undefined {
  const { protocol, hostname, username, password } = URL.parse(url) ?? {};
  const isPlain = username === "" && password === "" && !url.includes("\\");
  return isPlain && (protocol === "http:" || protocol === "https:") ? hostname : undefined;
}

function urlsIn(text: string): string[] {
  const starts = text.matchAll(new RegExp(urlStart, "giu"));
  return [...starts].map(({ index }) => urlAt(text.slice(index, index + maxUrlUnits)).url);
}
