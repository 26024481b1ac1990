import { describe, expect, it } from "@jest/globals";
import type { Credential } from "./access-token.ts";
import { createCredentialCache } from "./credential-cache.ts";

const credential = (tenant: string): Credential => ({
  tenant,
  roles: ["read"],
  secretHash: new Uint8Array(32),
  expireTime: undefined,
});

function setUp({ maxEntries = 10 } = {}) {
  const state = {
    now: 0,
    store: new Map([["a", credential("acme")]]),
    failing: false,
    loads: [] as [id: string, known: boolean][],
    hold: undefined as Promise<void> | undefined,
  };
  const cache = createCredentialCache({
    load: async (id, { known }) => {
      state.loads.push([id, known]);
      const found = state.store.get(id);
      await state.hold;
      if (state.failing) throw new Error("the store is away");
      return found;
    },
    maxEntries,
    now: () => state.now,
  });
  return { state, cache };
}

const settle = () => new Promise(setImmediate);

describe("remembered credentials", () => {
  it("are asked for once, by however many at once, and then for 5 s not at all", async () => {
    const { state, cache } = setUp();
    const found = await Promise.all([cache.get("a"), cache.get("a"), cache.get("a")]);
    expect(found.map((each) => each?.tenant)).toEqual(["acme", "acme", "acme"]);
    state.now = 4_999;
    expect(cache.get("a")).toMatchObject({ tenant: "acme" });
    expect(state.loads).toEqual([["a", false]]);
  });

  it("are asked for again in the background, so that a revocation acts within 10 s without anybody waiting", async () => {
    const { state, cache } = setUp();
    await cache.get("a");
    state.store.delete("a");
    state.now = 9_999;
    expect(cache.get("a")).toMatchObject({ tenant: "acme" });
    await settle();
    expect(cache.get("a")).toBeUndefined();
    expect(state.loads).toEqual([
      ["a", false],
      ["a", true],
    ]);
  });

  it("never are older than 10 s since the store was asked, however long it took to answer", async () => {
    const { state, cache } = setUp();
    const gate = Promise.withResolvers<void>();
    state.hold = gate.promise;
    const first = cache.get("a");
    state.now = 9_000;
    gate.resolve();
    await first;
    state.store.delete("a");
    state.now = 10_000;
    expect(await cache.get("a")).toBeUndefined();
  });

  it("hold for 10 s while the store is away; then it is said that it is away", async () => {
    const { state, cache } = setUp();
    await cache.get("a");
    state.failing = true;
    state.now = 6_000;
    expect(cache.get("a")).toMatchObject({ tenant: "acme" });
    await settle();
    state.now = 9_999;
    expect(cache.get("a")).toMatchObject({ tenant: "acme" });
    await settle();
    state.now = 10_000;
    await expect(cache.get("a")).rejects.toThrow("away");
    state.failing = false;
    // Still known, so that its holder does not queue behind those who guess.
    expect(await cache.get("a")).toMatchObject({ tenant: "acme" });
    expect(state.loads.at(-1)).toEqual(["a", true]);
  });

  it("that are not there are asked for once a second at most", async () => {
    const { state, cache } = setUp();
    expect(await cache.get("b")).toBeUndefined();
    state.now = 999;
    expect(cache.get("b")).toBeUndefined();
    state.store.set("b", credential("beta"));
    state.now = 1_000;
    expect(await cache.get("b")).toMatchObject({ tenant: "beta" });
  });

  it("that were revoked here are asked for at once, and an answer from before does not count", async () => {
    const { state, cache } = setUp();
    await cache.get("a");
    state.now = 6_000;
    const gate = Promise.withResolvers<void>();
    state.hold = gate.promise;
    void cache.get("a");
    state.store.delete("a");
    cache.forget("a");
    gate.resolve();
    await settle();
    expect(await cache.get("a")).toBeUndefined();
  });

  it("are bounded, and a flood of absent ones drives out none that is there", async () => {
    const { state, cache } = setUp({ maxEntries: 3 });
    await cache.get("a");
    for (let id = 0; id < 100; id += 1) await cache.get(`absent-${id}`);
    const before = state.loads.length;
    expect(cache.get("a")).toMatchObject({ tenant: "acme" });
    expect(cache.get("absent-99")).toBeUndefined();
    expect(state.loads).toHaveLength(before);
    await cache.get("absent-0");
    expect(state.loads).toHaveLength(before + 1);
  });
});
