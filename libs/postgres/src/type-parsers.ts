import pg from "pg";

const { INT8 } = pg.types.builtins;
/** bigint[] */
const int8Array = 1016;

/** bigint as a number: none of ours comes near 2^53, and one that does is an error instead of another number. */
function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a bigint is beyond 2^53");
  return value;
}

/** As PostgreSQL writes an array of numbers: `{1,2}`. */
function wholeNumbers(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(wholeNumber);
}

export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary") => {
    if (format !== "binary" && oid === INT8) return wholeNumber;
    if (format !== "binary" && oid === int8Array) return wholeNumbers;
    return pg.types.getTypeParser(oid, format as "text");
  },
};
