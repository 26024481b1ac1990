/** The variables that name a provider's keys to the services, in this order. */
export const keyVariables = (keys: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map((key, index) => [`OPENAI_API_KEY_${index + 1}`, key]));
