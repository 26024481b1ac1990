import { Tokenizer } from "@huggingface/tokenizers";
import type { ModelSettings } from "./model-settings.ts";

export interface Tokens {
  readonly ids: readonly number[];
  /** Whether the end of the text was left out. */
  readonly truncated: boolean;
}

export interface TextTokenizer {
  encode(text: string): Tokens;
  /** The number that fills up shorter texts. */
  readonly padId: number;
}

/**
 * A tokenizer.json with the model's limit: what is over it is cut before the special tokens that end a text, as sentence-transformers does.
 *
 * @throws {Error} on a tokenizer of an unknown kind
 */
export function createTokenizer(
  tokenizerJson: object,
  tokenizerConfig: object,
  { maxTokens, lowercase, padToken }: ModelSettings,
): TextTokenizer {
  const tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig);
  const bare = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const { before, after } = specialTokens(tokenizer.encode(PROBE).ids, bare(PROBE));
  const room = Math.max(1, maxTokens - before.length - after.length);
  return {
    padId: (padToken === undefined ? undefined : tokenizer.token_to_id(padToken)) ?? 0,
    encode: (text) => {
      const ids = bare(lowercase ? text.toLowerCase() : text);
      return { ids: [...before, ...ids.slice(0, room), ...after], truncated: ids.length > room };
    },
  };
}

/** Any text that every tokenizer knows. */
const PROBE = "a";

/** What the tokenizer puts around a text. */
function specialTokens(whole: readonly number[], text: readonly number[]) {
  const begin = whole.findIndex((_, start) => text.every((id, index) => whole[start + index] === id));
  if (text.length === 0 || begin < 0) throw new Error("its special tokens cannot be told from a text's");
  return { before: whole.slice(0, begin), after: whole.slice(begin + text.length) };
}
