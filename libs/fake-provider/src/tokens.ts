/** About four characters a token, at least one: near enough for a fake bill. */
export const countTokens = (text: string): number => Math.max(1, Math.ceil([...text].length / 4));

/** Words with the white space before them. */
export const piecesOf = (answer: string | readonly string[]): readonly string[] =>
  typeof answer === "string" ? (answer.match(/\s*\S+|\s+$/g) ?? []) : answer;
