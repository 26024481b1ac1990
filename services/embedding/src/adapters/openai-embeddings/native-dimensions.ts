/** OpenAI's own models, so that none has to be asked before the first text. */
const DIMENSIONS: Readonly<Record<string, number>> = {
  "text-embedding-3-small": 1_536,
  "text-embedding-3-large": 3_072,
  "text-embedding-ada-002": 1_536,
};

/** How long the vectors of a model of OpenAI's are unless asked otherwise; undefined for models unknown here. Only for OpenAI's own endpoint. */
export function nativeDimensions(model: string): number | undefined {
  return Object.hasOwn(DIMENSIONS, model) ? DIMENSIONS[model] : undefined;
}
