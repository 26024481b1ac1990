import { describe, expect, it } from "@jest/globals";
import pg from "pg";
import {
  ConflictError,
  ConnectionError,
  ConstraintError,
  PostgresError,
  StatementTimeoutError,
  toPostgresError,
} from "./errors.ts";

function ofServer(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError("canary", 0, "error");
  return Object.assign(error, { code, detail: "canary", where: "canary" });
}

describe("an error of PostgreSQL", () => {
  it.each([
    ["57014", StatementTimeoutError],
    ["40P01", ConflictError],
    ["40001", ConflictError],
    ["55P03", ConflictError],
    ["08006", ConnectionError],
    ["53100", ConnectionError],
    ["53300", ConnectionError],
    ["57P01", ConnectionError],
    ["57P03", ConnectionError],
    ["58030", ConnectionError],
    ["25006", ConnectionError],
    ["28P01", ConnectionError],
    ["23505", ConstraintError],
    ["22021", PostgresError],
  ])("of state %s is a %p", (code, type) => {
    const error = toPostgresError(ofServer(code)) as PostgresError;
    expect(error.constructor).toBe(type);
    expect(error.sqlState).toBe(code);
    expect(`${error.message}${JSON.stringify(error)}${String(error.cause)}`).not.toContain("canary");
  });

  it("of the network shows no address", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:5432"), { code: "ECONNREFUSED" });
    const error = toPostgresError(refused) as Error;
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).not.toContain("10.0.0.1");
    expect(toPostgresError(new Error("Connection terminated unexpectedly"))).toBeInstanceOf(ConnectionError);
  });

  it("is told from a defect, which stays what it is", () => {
    const defect = new TypeError("x is not a function");
    expect(toPostgresError(defect)).toBe(defect);
  });
});
