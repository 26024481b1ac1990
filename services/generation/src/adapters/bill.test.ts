import { describe, expect, it } from "@jest/globals";
import type { KeyAttempt } from "@quartet/key-pool";
import { ConnectionError, ErrorReply, StreamBrokenError } from "@quartet/provider";
import { createBill } from "./bill.ts";

const estimate = () => ({ inputTokens: 40, outputTokens: 2 });
const refused = new ErrorReply({ status: 429 });
const broken = new StreamBrokenError();
/** It was given up before it went out. */
const unsent = new Error("left");
const unreachable = new ConnectionError(Object.assign(new Error("no"), { code: "ECONNREFUSED" }));

/** A nano-dollar a token. One call for each failure, and one that ends with the bill where `isWhole`. */
function billOf(failures: readonly Error[], { isWhole = false } = {}) {
  const added: Parameters<KeyAttempt["addUsage"]>[0][] = [];
  const bill = createBill(({ inputTokens, outputTokens }) => inputTokens + outputTokens);
  const attempt = { addUsage: (usage: (typeof added)[number]) => void added.push(usage) };
  for (const error of failures) {
    bill.called(attempt);
    if (error !== unsent) bill.sent();
    bill.failed(error);
  }
  if (isWhole) {
    bill.called(attempt);
    bill.sent();
    bill.reported({ inputTokens: 50, outputTokens: 5, cachedInputTokens: 0 });
  }
  const usage = bill.close(estimate);
  expect(added).toHaveLength(1);
  expect(added[0]!.costNanos).toBe(usage!.costNanos);
  return usage;
}

describe("the bill of an answer", () => {
  it("is what the provider tells, with the calls that it took", () => {
    const usage = { inputTokens: 50, outputTokens: 5, calls: 2, estimated: false, costNanos: 55 };
    expect(billOf([refused], { isWhole: true })).toMatchObject(usage);
    expect(billOf([unreachable], { isWhole: true })).toMatchObject(usage);
  });

  it("is estimated for a reply that broke off", () => {
    expect(billOf([broken])).toMatchObject({ inputTokens: 40, outputTokens: 2, calls: 1, estimated: true });
  });

  it.each([refused, unreachable, unsent])("is empty after %s, which costs nothing", (error) => {
    const nothing = { inputTokens: 0, outputTokens: 0, estimated: false, costNanos: 0 };
    expect(billOf([error, error])).toMatchObject({ ...nothing, calls: 2 });
  });

  it("holds what the model read for replies that broke off before others", () => {
    expect(billOf([broken, refused])).toMatchObject({ inputTokens: 40, outputTokens: 0, calls: 2, estimated: true });
    expect(billOf([broken, unsent])).toMatchObject({ inputTokens: 40, outputTokens: 0, calls: 2, estimated: true });
    expect(billOf([broken, broken])).toMatchObject({ inputTokens: 80, outputTokens: 2, calls: 2, estimated: true });
    expect(billOf([broken, refused, broken], { isWhole: true })).toMatchObject({
      inputTokens: 50 + 2 * 40,
      outputTokens: 5,
      calls: 4,
      estimated: true,
    });
  });

  it("is nothing where no call was made", () => {
    expect(createBill().close(estimate)).toBeUndefined();
  });
});
