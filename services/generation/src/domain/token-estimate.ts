/** Characters of ASCII per token, and tokens per other character (Hangul, Han and the like): rough means of today's tokenizers. */
const ASCII_PER_TOKEN = 4;
const TOKENS_PER_OTHER = 0.8;

/** How many tokens a text has, roughly; for providers that do not tell. */
export function estimateTokens(text: string): number {
  let ascii = 0;
  let other = 0;
  for (const character of text) {
    if (character <= "\u007f") ascii += 1;
    else other += 1;
  }
  return Math.ceil(ascii / ASCII_PER_TOKEN + other * TOKENS_PER_OTHER);
}
