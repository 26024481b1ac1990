import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { describe, expect, it } from "@jest/globals";
import { createDeadlines } from "./deadline.ts";
import { completeTimeout } from "./timeout-headers.ts";

const deadlines = createDeadlines({ defaultTimeoutMs: 30_000, maxTimeoutMs: 300_000 });

describe("completeTimeout", () => {
  it.each([
    [undefined, "30000m"],
    ["200m", "200m"],
    ["2S", "2000m"],
    ["99999999H", "300000m"],
    ["1n", "1m"],
    ["abc", "abc"],
    ["-1S", "-1S"],
  ])("makes gRPC's %s to %s", (given, expected) => {
    const header = new Headers({
      "content-type": "application/grpc-web+proto",
      ...(given && { "grpc-timeout": given }),
    });
    completeTimeout(header, deadlines);
    expect(header.get("grpc-timeout")).toBe(expected);
  });

  it.each([
    [undefined, "30000"],
    ["200", "200"],
    ["9999999999", "300000"],
    ["99999999999", "99999999999"],
    ["abc", "abc"],
  ])("makes Connect's %s to %s", (given, expected) => {
    const header = new Headers({ "content-type": "application/json", ...(given && { "connect-timeout-ms": given }) });
    completeTimeout(header, deadlines);
    expect(header.get("connect-timeout-ms")).toBe(expected);
  });

  it("gives a rebuild the day that it may take, in both", () => {
    const { rebuildIndex } = OperationsService.method;
    const connect = new Headers({ "content-type": "application/connect+json" });
    const grpc = new Headers({ "content-type": "application/grpc" });
    for (const header of [connect, grpc]) completeTimeout(header, deadlines, rebuildIndex);
    expect([connect.get("connect-timeout-ms"), grpc.get("grpc-timeout")]).toEqual(["86400000", "86400000m"]);
  });

  it("says a very long time in seconds, as gRPC has eight digits only", () => {
    const header = new Headers({ "content-type": "application/grpc" });
    completeTimeout(header, createDeadlines({ defaultTimeoutMs: 2_000_000_000, maxTimeoutMs: 2_000_000_000 }));
    expect(header.get("grpc-timeout")).toBe("2000000S");
  });
});
