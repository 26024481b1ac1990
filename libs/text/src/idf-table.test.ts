import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { hashString } from "./hash.ts";
import { readIdfTable, writeIdfTable } from "./idf-table.ts";

describe("idf table", () => {
  const entries = fc.uniqueArray(
    fc.record({ hash: fc.nat(2 ** 32 - 1), idf: fc.double({ min: 0.1, max: 8.9, noNaN: true }) }),
    { selector: ({ hash }) => hash, maxLength: 20 },
  );

  it("gives every key back to within a quantisation step, where groups are not full", () => {
    fc.assert(
      fc.property(entries, (list) => {
        const table = readIdfTable(writeIdfTable(list, { groups: 4_096, maximumIdf: 9 }));
        const wrong = list.filter(({ hash, idf }) => Math.abs(table.idf(hash) - idf) > 9 / 255);
        // Two keys of one group with one fingerprint are the price of two bytes an entry.
        expect(wrong.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("weighs what it does not hold at the maximum", () => {
    const table = readIdfTable(writeIdfTable([{ hash: 7, idf: 1 }], { groups: 8, maximumIdf: 9 }));
    expect(table.idf(hashString("unheard of"))).toBe(9);
  });

  it("keeps the most frequent keys of a full group", () => {
    const list = Array.from({ length: 12 }, (_, index) => ({ hash: hashString(`key ${index}`), idf: 1 + index / 2 }));
    const table = readIdfTable(writeIdfTable(list, { groups: 1, maximumIdf: 9 }));
    for (const { hash, idf } of list.slice(0, 8)) expect(table.idf(hash)).toBeCloseTo(idf, 1);
    for (const { hash } of list.slice(8)) expect(table.idf(hash)).toBe(9);
  });

  it("refuses anything else", () => {
    const bytes = writeIdfTable([], { groups: 2, maximumIdf: 9 });
    expect(() => readIdfTable(bytes.subarray(1))).toThrow(RangeError);
    expect(() => readIdfTable(bytes.subarray(0, bytes.length - 1))).toThrow(RangeError);
    expect(() => readIdfTable(new Uint8Array())).toThrow(RangeError);
  });
});

describe("hash", () => {
  it("spreads: 4,096 keys fill 65,536 places as chance would", () => {
    const places = new Set(Array.from({ length: 4_096 }, (_, index) => hashString(`key ${index}`) % 65_536));
    expect(places.size).toBeGreaterThan(3_900);
  });

  it("stays what stored tables and vectors were made with", () => {
    expect([hashString(""), hashString("bank"), hashString("은행")]).toEqual([2872998923, 173883758, 1396159954]);
  });
});
