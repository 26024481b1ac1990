/** A field that is null is as one that is not there. */
export const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A string without half of a surrogate pair, which no encoding can carry. */
export const isText = (value: unknown): value is string => typeof value === "string" && value.isWellFormed();
