import { Code, ConnectError } from "@connectrpc/connect";
import { quartetError, type Reason, reasonOf, retryDelayMsOf, violationsOf } from "@quartet/errors";
import { BulkheadFullError, CircuitOpenError, HopTimeoutError } from "@quartet/resilience";
import { describe, expect, it } from "@jest/globals";
import { asOwnClock, classify, toHopError } from "./hop-errors.ts";

const failing = (code: Code, reason?: Reason) =>
  reason === undefined ? new ConnectError("x", code) : quartetError({ code, reason, message: "x" });

describe("what an error says about a service", () => {
  it.each([
    // the caller's mistakes
    [Code.InvalidArgument, "FIELD_INVALID", "neutral", false],
    [Code.NotFound, "NOT_FOUND", "neutral", false],
    [Code.FailedPrecondition, "EMBEDDING_SPACE_MISMATCH", "neutral", false],
    // limits, the service's own and its provider's
    [Code.ResourceExhausted, "OVERLOADED", "neutral", false],
    [Code.ResourceExhausted, "LLM_RATE_LIMIT", "neutral", false],
    // going down: another replica answers
    [Code.Unavailable, "DRAINING", "neutral", true],
    // stores behind it, which it says itself
    [Code.Unavailable, "UPSTREAM_FAILED", "neutral", false],
    [Code.Unavailable, "ALL_SOURCES_FAILED", "neutral", false],
    // faults that pass
    [Code.Unavailable, "UPSTREAM_LOST", "failure", true],
    [Code.Canceled, undefined, "failure", true],
    // faults that a second call would only add to
    [Code.Unavailable, "LLM_UNAVAILABLE", "failure", false],
    [Code.Internal, "INTERNAL", "failure", false],
    [Code.Internal, "EMBED_SHAPE", "failure", false],
    [Code.Unknown, undefined, "failure", false],
    [Code.DataLoss, undefined, "failure", false],
  ] as const)("code %d with reason %s is %s", (code, reason, outcome, retryable) => {
    expect(classify(failing(code, reason))).toEqual({ outcome, retryable });
  });

  it("does not blame a service for a text that its provider refuses", () => {
    const metadata = { refusesTexts: "true" };
    const error = quartetError({ code: Code.Unavailable, reason: "LLM_UNAVAILABLE", message: "x", metadata });
    expect(classify(error)).toEqual({ outcome: "neutral", retryable: false });
  });

  it("hands on when to try again", () => {
    const error = quartetError({ code: Code.Unavailable, reason: "DRAINING", message: "x", retryDelayMs: 700 });
    expect(classify(error).retryAfterMs).toBe(700);
  });
});

describe("what a caller sees of a hop's error", () => {
  const shown = (error: unknown) => {
    const mapped = toHopError(error, "retrieval") as ConnectError;
    return [mapped.code, reasonOf(mapped)];
  };

  it.each([
    [new HopTimeoutError("retrieval", "total", 9), Code.DeadlineExceeded, "OUT_OF_TIME"],
    [new HopTimeoutError("generation", "first", 9), Code.Unavailable, "LLM_TTFT"],
    [new HopTimeoutError("generation", "idle", 9), Code.Unavailable, "STREAM_STALLED"],
    [new BulkheadFullError("retrieval", "full"), Code.ResourceExhausted, "OVERLOADED"],
    [new CircuitOpenError("retrieval", 9), Code.Unavailable, "CIRCUIT_OPEN"],
    [failing(Code.Canceled), Code.Unavailable, "UPSTREAM_LOST"],
    [failing(Code.Unknown), Code.Unavailable, "UPSTREAM_FAILED"],
    [failing(Code.Unauthenticated, "LLM_AUTH"), Code.Unavailable, "UPSTREAM_FAILED"],
    [failing(Code.Unimplemented), Code.Unavailable, "UPSTREAM_FAILED"],
    [failing(Code.FailedPrecondition, "LLM_AUTH"), Code.FailedPrecondition, "LLM_AUTH"],
    [failing(Code.Unavailable, "ALL_SOURCES_FAILED"), Code.Unavailable, "ALL_SOURCES_FAILED"],
  ])("%s is code %d, %s", (error, code, reason) => {
    expect(shown(error)).toEqual([code, reason]);
  });

  it("keeps an inner error's details and none of its headers", () => {
    const inner = quartetError({
      code: Code.InvalidArgument,
      reason: "FILTER_FIELD_UNKNOWN",
      message: "No such field.",
      violations: [{ field: "options.filter", description: "unknown" }],
    });
    inner.metadata.set("x-request-id", "inner");
    const error = toHopError(inner, "retrieval") as ConnectError;
    expect(violationsOf(error)).toHaveLength(1);
    expect([...error.metadata.keys()]).toEqual([]);
  });

  it("says when to come again after our own shedding", () => {
    expect(retryDelayMsOf(toHopError(new CircuitOpenError("retrieval", 1_234), "retrieval"))).toBe(1_234);
    const delay = retryDelayMsOf(toHopError(new BulkheadFullError("retrieval", "full"), "retrieval"))!;
    expect(delay).toBeGreaterThanOrEqual(500);
    expect(delay).toBeLessThanOrEqual(1_501);
  });

  it("takes a deadline that the service noticed first for our own clock", () => {
    const error = asOwnClock(failing(Code.DeadlineExceeded, "OUT_OF_TIME"), "retrieval", 40);
    expect(error).toMatchObject({ clock: "total", limitMs: 40 });
    const other = failing(Code.Unavailable, "UPSTREAM_LOST");
    expect(asOwnClock(other, "retrieval", 40)).toBe(other);
  });
});
