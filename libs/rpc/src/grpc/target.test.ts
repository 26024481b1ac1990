import { describe, expect, it } from "@jest/globals";
import { grpcTarget } from "./target.ts";

describe("grpcTarget", () => {
  it.each([
    ["retrieval:50051", "dns:///retrieval:50051"],
    ["127.0.0.1:50051", "dns:///127.0.0.1:50051"],
    ["dns:///retrieval:50051", "dns:///retrieval:50051"],
    ["unix:/run/retrieval.sock", "unix:/run/retrieval.sock"],
  ])("takes %s as %s", (target, expected) => {
    expect(grpcTarget(target)).toBe(expected);
    expect(grpcTarget([target])).toBe(expected);
  });

  it("joins several addresses of one family", () => {
    expect(grpcTarget(["10.0.0.1:1", "10.0.0.2:1"])).toBe("ipv4:10.0.0.1:1,10.0.0.2:1");
    expect(grpcTarget(["[::1]:1", "[::2]:1"])).toBe("ipv6:[::1]:1,[::2]:1");
  });

  it.each([[[]], [["a:1", "b:1"]], [["10.0.0.1:1", "[::1]:1"]]])("refuses %j with what to do", (targets) => {
    expect(() => grpcTarget(targets)).toThrow(/target/);
  });
});
