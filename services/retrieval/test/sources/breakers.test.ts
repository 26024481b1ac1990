import { describe, expect, it } from "@jest/globals";
import { createBreaker } from "@quartet/resilience";
import type { StoreGuards } from "../../src/domain/search-legs.ts";
import type { Source } from "../../src/domain/source.ts";
import { createStoreGuard } from "../../src/domain/store-guard.ts";
import { hanging, reports, setUp } from "./four-sources.ts";

describe("breakers before several sources", () => {
  it("open for the source that hangs, and for no other that asks the same store", async () => {
    const breakers = new Map<string, ReturnType<typeof createBreaker>>();
    const guardOf = (name: string) => {
      const breaker = createBreaker({ name, minimumCalls: 5 });
      breakers.set(name, breaker);
      return createStoreGuard({ breaker, fairMs: 1 });
    };
    const legs = new Map(["corpus", "words"].map((name) => [name, guardOf(name)]));
    const guards: StoreGuards = {
      record: guardOf("record"),
      projection: guardOf("projection"),
      leg: (source) => legs.get(source)!,
    };
    const sources: readonly Source[] = [
      { name: "corpus", kind: "keyword", collections: ["corpus"] },
      { name: "words", kind: "keyword", collections: ["words"], timeLimitMs: 5 },
    ];
    const { ask, asked } = setUp({ sources, guards, behaviour: { words: hanging } });
    for (let round = 0; round < 5; round += 1) await ask();
    expect([...breakers].map(([name, { state }]) => [name, state])).toEqual([
      ["corpus", "closed"],
      ["words", "open"],
      ["record", "closed"],
      ["projection", "closed"],
    ]);
    const before = asked.length;
    expect(reports(await ask())).toEqual([
      ["corpus", "ok", undefined],
      ["words", "skipped", "CIRCUIT_OPEN"],
    ]);
    expect(asked.slice(before)).toEqual([["keyword", ["corpus"]]]);
    breakers.forEach((breaker) => breaker.close());
  });
});
