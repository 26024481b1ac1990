import { describe, expect, it } from "@jest/globals";
import { ConnectionError, PostgresError } from "@quartet/postgres";
import { StoreRefusedError, StoreUnavailableError } from "../../domain/store-errors.ts";
import { toStoreError } from "./errors.ts";

describe("an error of the record", () => {
  it.each([
    ["a value that cannot be held", new PostgresError("refused", "22P05"), StoreRefusedError],
    ["more than a statement may have", new PostgresError("refused", "54001"), StoreRefusedError],
    ["a server that is away", new ConnectionError("away", "57P03"), StoreUnavailableError],
  ])("of %s tells whether the store is well", (_, error, type) => {
    const told = toStoreError(error) as Error;
    expect(told).toBeInstanceOf(type);
    expect(told.cause).toBe(error);
  });

  it("of a statement of ours stays what it is", () => {
    const defect = new PostgresError("there is no such column", "42703");
    expect(toStoreError(defect)).toBe(defect);
  });
});
