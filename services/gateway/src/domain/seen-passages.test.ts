import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createSeenPassages } from "./seen-passages.ts";

describe("passages that went by", () => {
  it("are new once, whatever their IDs", () => {
    const passages = fc.array(
      fc.record({ documentId: fc.string({ unit: "grapheme", maxLength: 3 }), ordinal: fc.nat({ max: 3 }) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(passages, (given) => {
        const seen = createSeenPassages();
        const known = new Set<string>();
        for (const passage of given) {
          const name = JSON.stringify([passage.documentId, passage.ordinal]);
          expect(seen.add(passage)).toBe(!known.has(name));
          known.add(name);
        }
      }),
    );
  });

  it("are told apart by the thousands", () => {
    const seen = createSeenPassages();
    const ids = Array.from({ length: 20_000 }, (_, number) => `문서-${number}`);
    expect(ids.filter((documentId) => seen.add({ documentId, ordinal: 1 }))).toHaveLength(20_000);
    expect(ids.some((documentId) => seen.add({ documentId, ordinal: 1 }))).toBe(false);
    expect(seen.add({ documentId: "문서-1", ordinal: 11 })).toBe(true);
    expect(seen.add({ documentId: "1 문서-1", ordinal: 1 })).toBe(true);
  });
});
