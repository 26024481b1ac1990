import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { LegReason } from "./leg.ts";
import type { PageStart } from "./page-start.ts";
import { PageTokenError } from "./page-token.ts";
import { createSearchPageTokens, ForeignPageTokenError, PageTokenExpiredError } from "./search-page-token.ts";
import { searchDefaults, type SearchRequest } from "./search-request.ts";

const call = { signal: new AbortController().signal };
const key = new Uint8Array(32).fill(7);
const request: SearchRequest = {
  ...searchDefaults,
  query: "부가세",
  vector: undefined,
  filter: { kind: "tag", tag: "세금" },
};
const owner = { tenant: "t", request };
const leg = { rank: 100, last: { score: 0.1 + 0.2, passageId: 2 ** 40 }, isAtEnd: false, isAhead: true };
const start: PageStart = { plan: "0123456789abcdef", isReranked: false, fusedOffset: undefined, legs: [leg] };
const day = 24 * 60 * 60 * 1000;

const tokensAt = (nowMs: number, signingKey = key) =>
  createSearchPageTokens({ key: async () => signingKey, nowMs: () => nowMs });
const tokens = tokensAt(day);

const legStarts = fc.record({
  rank: fc.nat(),
  leftOut: fc.option(fc.constantFrom<LegReason>("UPSTREAM_FAILED", "NO_QUERY_VECTOR", "NOT_ENABLED"), {
    nil: undefined,
  }),
  last: fc.option(
    fc.record({ score: fc.double({ noNaN: true }), passageId: fc.nat({ max: Number.MAX_SAFE_INTEGER }) }),
    { nil: undefined },
  ),
  isAtEnd: fc.boolean(),
  isAhead: fc.boolean(),
});
const starts: fc.Arbitrary<PageStart> = fc.record({
  plan: fc.stringMatching(/^[0-9a-f]{16}$/),
  isReranked: fc.boolean(),
  fusedOffset: fc.option(fc.nat(), { nil: undefined }),
  legs: fc.array(legStarts, { maxLength: 32 }),
});

describe("the page token of a search", () => {
  it("stands for a start, in the same search, whatever its page size and vector", async () => {
    await fc.assert(
      fc.asyncProperty(starts, async (given) => {
        const token = await tokens.write(given, owner, call);
        expect(token.length).toBeLessThanOrEqual(1_000);
        const values = Float32Array.of(1);
        const vector = { value: { kind: "float32", values }, spaceId: "a".repeat(16) } as const;
        const again = { tenant: "t", request: { ...request, pageSize: 3, vector } };
        expect(await tokens.read(token, again, call)).toEqual(given);
      }),
    );
  });

  it("is taken by every process with the key, and by none without", async () => {
    const token = await tokens.write(start, owner, call);
    expect(await tokensAt(day).read(token, owner, call)).toEqual(start);
    const other = tokensAt(day, new Uint8Array(32).fill(8));
    await expect(other.read(token, owner, call)).rejects.toThrow(PageTokenError);
  });

  it("is refused with any change, and as another's", async () => {
    const token = await tokens.write(start, owner, call);
    const bytes = Buffer.from(token, "base64url");
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index]! ^= 1;
      await expect(tokens.read(changed.toString("base64url"), owner, call)).rejects.toThrow(PageTokenError);
    }
    for (const none of ["x", "%%%", "a".repeat(2048), token.slice(4), token.slice(0, -4), `${token}AAAA`]) {
      await expect(tokens.read(none, owner, call)).rejects.toThrow(PageTokenError);
    }
    await expect(tokens.read(token, { ...owner, tenant: "u" }, call)).rejects.toThrow(ForeignPageTokenError);
  });

  it.each<[string, Partial<SearchRequest>]>([
    ["query", { query: "부가가치세" }],
    ["filter", { filter: undefined }],
    ["sources", { sources: ["corpus"] }],
    ["fusion", { fusion: "rrf" }],
    ["candidates", { candidateLimit: 100 }],
    ["weight", { vectorWeight: 0.5 }],
  ])("is refused in a search with another %s", async (_name, fields) => {
    const token = await tokens.write(start, owner, call);
    const other = { ...owner, request: { ...request, ...fields } };
    await expect(tokens.read(token, other, call)).rejects.toThrow(PageTokenError);
  });

  it("is good for a day", async () => {
    const token = await tokens.write(start, owner, call);
    expect(await tokensAt(2 * day).read(token, owner, call)).toEqual(start);
    await expect(tokensAt(2 * day + 1000).read(token, owner, call)).rejects.toThrow(PageTokenExpiredError);
  });

  it("asks for the key until it was had", async () => {
    let asked = 0;
    const flaky = createSearchPageTokens({
      key: async () => {
        asked += 1;
        if (asked === 1) throw new Error("away");
        return key;
      },
    });
    await expect(flaky.write(start, owner, call)).rejects.toThrow("away");
    const token = await flaky.write(start, owner, call);
    await flaky.read(token, owner, call);
    expect(asked).toBe(2);
  });
});
