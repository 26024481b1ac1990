/** About four characters a token, at least one: near enough for a fake bill. */
export const countTokens = (text: string): number => Math.max(1, Math.ceil(text.length / 4));

/** Words with the white space before them. Each piece of an answer counts as one token. */
export const piecesOf = (answer: string | readonly string[]): readonly string[] =>
  typeof answer === "string" ? (answer.match(/\s*\S+|\s+$/g) ?? []) : answer;

/** So many pieces: the ones given again and again, with a space between the last and the first. */
export function repeatPieces(pieces: readonly string[], count: number): readonly string[] {
  const [first = "word", ...others] = pieces;
  const again = [/^\s/.test(first) ? first : ` ${first}`, ...others];
  return Array.from({ length: count }, (_, at) =>
    at < pieces.length ? pieces[at]! : again[at % Math.max(1, pieces.length)]!,
  );
}
