import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@quartet/contracts/google/rpc/error_details";
import { describe, expect, it } from "@jest/globals";
import {
  fieldInvalid,
  isReason,
  quartetError,
  reasonOf,
  reasons,
  reasonTextOf,
  retryDelayMsOf,
  violationsOf,
} from "./index.ts";

describe("quartetError", () => {
  it("carries reason, delay and violations where the readers find them", () => {
    const error = quartetError({
      code: Code.InvalidArgument,
      reason: "FIELD_INVALID",
      message: "질문이 비어 있습니다.",
      retryDelayMs: 1500.2,
      violations: [{ field: "question", description: "must not be empty" }],
      metadata: { limit: "6000" },
    });
    expect(error.rawMessage).toBe("질문이 비어 있습니다.");
    expect(reasonOf(error)).toBe("FIELD_INVALID");
    expect(retryDelayMsOf(error)).toBe(1501);
    expect(violationsOf(error)).toEqual([{ field: "question", description: "must not be empty" }]);
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({ domain: "quartet", metadata: { limit: "6000" } });
  });

  it("keeps its cause to itself", () => {
    const cause = new Error("password=secret");
    const error = quartetError({ code: Code.Internal, reason: "INTERNAL", message: "Report it.", cause });
    expect(error.cause).toBe(cause);
    expect(error.message).not.toContain("secret");
    expect(JSON.stringify(error.findDetails(ErrorInfoSchema))).not.toContain("secret");
  });
});

describe("fieldInvalid", () => {
  it("names the field for people and for programs, and none where all of it is wrong", () => {
    const error = fieldInvalid("search.query", "must not be blank");
    expect(error).toMatchObject({ code: Code.InvalidArgument, rawMessage: "search.query: must not be blank" });
    expect(reasonOf(error)).toBe("FIELD_INVALID");
    expect(violationsOf(error)).toEqual([{ field: "search.query", description: "must not be blank" }]);
    const whole = fieldInvalid("", "The body must be a JSON object.");
    expect([whole.rawMessage, violationsOf(whole)]).toEqual(["The body must be a JSON object.", []]);
  });
});

describe("readers", () => {
  it("say nothing about errors that are not Quartet's", () => {
    for (const error of [
      new Error("x"),
      "x",
      undefined,
      new ConnectError("x", Code.Internal),
      foreign("OVERLOADED", "other"),
    ]) {
      expect([reasonOf(error), reasonTextOf(error), retryDelayMsOf(error)]).toEqual([undefined, undefined, undefined]);
      expect(violationsOf(error)).toEqual([]);
    }
  });

  it("show a reason of a newer peer without taking it for a known one", () => {
    const error = foreign("FROM_THE_FUTURE", "quartet");
    expect(reasonOf(error)).toBeUndefined();
    expect(reasonTextOf(error)).toBe("FROM_THE_FUTURE");
  });
});

describe("reasons", () => {
  it("are the contract's, without prefix and without the unset one", () => {
    expect(reasons).toContain("FIELD_INVALID");
    expect(isReason("UNSPECIFIED")).toBe(false);
    expect(isReason("constructor")).toBe(false);
  });
});

function foreign(reason: string, domain: string): ConnectError {
  return new ConnectError("x", Code.Unavailable, undefined, [{ desc: ErrorInfoSchema, value: { reason, domain } }]);
}
