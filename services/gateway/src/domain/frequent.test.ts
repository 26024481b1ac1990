import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createFrequent, type FrequentOptions } from "./frequent.ts";

function open(options: Partial<FrequentOptions> = {}) {
  const clock = { at: 0 };
  const frequent = createFrequent<string>({ now: () => clock.at, ...options });
  const ask = (text: string, times = 1, tenant = "a") => {
    for (let count = 0; count < times; count++) frequent.note(tenant, text, text, text.length);
  };
  return { clock, frequent, ask };
}

describe("what is asked most", () => {
  it("comes first, of each tenant alone", () => {
    const { frequent, ask } = open();
    ask("휴가는 며칠?", 3);
    ask("b", 5);
    ask("c", 1);
    ask("of another", 9, "other");
    expect(frequent.top("a", 2)).toEqual(["b", "휴가는 며칠?"]);
    expect(frequent.top("a", 10)).toHaveLength(3);
    expect(frequent.top("nobody", 10)).toEqual([]);
  });

  it("is found among ever new questions, in constant space", () => {
    const { frequent, ask } = open({ maxEntries: 20 });
    for (let round = 0; round < 5_000; round++) {
      ask(`new ${round}`);
      if (round % 5 === 0) ask("often");
      if (round % 9 === 0) ask("now and then");
    }
    expect(frequent.top("a", 2)).toEqual(["often", "now and then"]);
    expect(frequent.top("a", 1_000)).toHaveLength(20);
  });

  it("has everything that is more than its share of all, whatever the order", () => {
    const text = fc.constantFrom(..."abcdefghij");
    fc.assert(
      fc.property(fc.array(text, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (asked, maxEntries) => {
        const { frequent, ask } = open({ maxEntries });
        for (const each of asked) ask(each);
        const found = frequent.top("a", 100);
        expect(found.length).toBe(Math.min(maxEntries, new Set(asked).size));
        for (const each of new Set(asked)) {
          const count = asked.filter((other) => other === each).length;
          if (count > asked.length / maxEntries) expect(found).toContain(each);
        }
      }),
    );
  });

  it("is of about a day: what was asked before counts less and less, and then no more", () => {
    const { clock, frequent, ask } = open({ windowMs: 100 });
    ask("yesterday", 10);
    clock.at = 110;
    ask("today", 2);
    expect(frequent.top("a", 2)).toEqual(["yesterday", "today"]);
    clock.at = 190;
    expect(frequent.top("a", 2)).toEqual(["today", "yesterday"]);
    clock.at = 210;
    expect(frequent.top("a", 2)).toEqual(["today"]);
    clock.at = 1_000;
    expect(frequent.top("a", 2)).toEqual([]);
  });

  it("is bounded in bytes over all tenants: those who asked last are kept", () => {
    const { frequent, ask } = open({ maxBytes: 1_000, maxEntryBytes: 100 });
    for (let tenant = 0; tenant < 50; tenant++) ask("x".repeat(90), 2, `t${tenant}`);
    const kept = Array.from({ length: 50 }, (_, tenant) => frequent.top(`t${tenant}`, 1).length);
    expect(kept.lastIndexOf(0)).toBe(38);
    expect(kept.slice(39).every((count) => count === 1)).toBe(true);
    ask("x".repeat(101), 9, "t49");
    expect(frequent.top("t49", 5)).toHaveLength(1);
  });
});
