import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createQuartetClient, type QuartetClient } from "@quartet/client";
import { type FakeProvider, providerErrors, startFakeProvider, until } from "@quartet/testing";
import { bothWays, type Product } from "../src/both-ways.ts";
import { keyVariables } from "../src/key-variables.ts";
import { runNode, sourceFlags } from "../src/processes.ts";

/** Keys that must be seen nowhere but at the provider. */
const keys = ["sk-canary-limited", "sk-canary-refused", "sk-canary-spent", "sk-canary-well"] as const;
const documents = [{ id: "leave", title: "휴가 규정", text: "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다." }];

describe.each(bothWays)("keys of a model provider in %s", (_way, start) => {
  let provider: FakeProvider;
  let product: Product;
  let client: QuartetClient;
  beforeAll(async () => {
    provider = await startFakeProvider({
      dimensions: 64,
      keys: {
        [keys[0]]: { limit: { requests: 4, perMs: 3_600_000 } },
        [keys[1]]: { error: providerErrors.auth(keys[1]) },
        [keys[2]]: { error: providerErrors.quota() },
        [keys[3]]: {},
      },
    });
    product = await start({
      OPENAI_BASE_URL: provider.baseUrl,
      ...keyVariables(keys),
      QUARTET_EMBEDDING_DIMENSIONS: "64",
      QUARTET_PRICES: "gpt-4o-mini input=1000 output=2000",
    });
    client = createQuartetClient({ baseUrl: product.url });
    await client.documents.putDocuments({ documents, wait: 2 }, { timeoutMs: 60_000 });
  }, 120_000);
  afterAll(async () => {
    const output = await product?.output();
    await product?.[Symbol.asyncDispose]();
    await provider?.close();
    expect(output).not.toContain("canary");
  });

  const figures = async () => {
    const { status } = await client.operations.getPlatformStatus({ readMask: { paths: ["keys"] } });
    return status!.keys.filter(({ pool }) => pool === "generation");
  };

  it("are used without a word to callers, and told of by label: states, shares, tokens, cost and what is left", async () => {
    for (let count = 0; count < 12; count++) {
      const { text } = await client.answers.answerQuestion({ question: `연차 휴가는 며칠입니까? (${count})` });
      expect(text).toContain("[1]");
    }
    await until(async () => (await figures()).some(({ callCount }) => callCount > 8n));
    const [limited, refused, spent, well] = await figures();
    expect([limited, refused, spent, well].map((key) => key?.label)).toEqual(["key-1", "key-2", "key-3", "key-4"]);
    expect([limited, refused, spent, well].map((key) => key?.state)).toEqual([2, 4, 3, 1]);
    // Embedding has used up the rest of its calls.
    expect(Number(limited!.callCount - limited!.errorCount)).toBeLessThanOrEqual(4);
    expect(limited!.restEndTime).toBeDefined();
    expect([refused!.callCount, spent!.callCount]).toEqual([1n, 1n]);
    expect(well!.callCount).toBeGreaterThanOrEqual(8n);
    expect(well!.inputTokenCount).toBeGreaterThan(0n);
    expect(well!.cost).toMatchObject({ currencyCode: "USD" });
    expect(well!.cost!.units * 1_000_000_000n + BigInt(well!.cost!.nanos)).toBeGreaterThan(0n);
    const shares = (await figures()).reduce((sum, { callShare }) => sum + callShare, 0);
    expect(shares).toBeCloseTo(1, 9);
  });

  it("are shown by quartet keys, which fails as there is something to do; nothing shows their values", async () => {
    const quartet = [...sourceFlags, "services/cli/src/main.ts"];
    const { code, stdout, stderr } = await runNode([...quartet, "keys"], { QUARTET_SERVER: product.url });
    expect(code).toBe(1);
    expect(stdout).toMatch(/generation +key-1 +resting +\d+ min/);
    expect(stdout).toMatch(/generation +key-4 +ready/);
    expect(stderr).toMatch(/key-3 of generation is out of quota/);
    const metrics = await (await fetch(`${product.url}/metrics`)).text();
    const status = await runNode([...quartet, "status", "--json"], { QUARTET_SERVER: product.url });
    for (const seen of [stdout, stderr, metrics, status.stdout]) expect(seen).not.toContain("canary");
  });
});
