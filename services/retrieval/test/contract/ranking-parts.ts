import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { EmbeddingSpace } from "../../src/domain/collection.ts";
import type { Filter } from "../../src/domain/filter.ts";
import type { Hit } from "../../src/domain/keyword-index.ts";
import { sha256 } from "../../src/domain/passage-content.ts";
import { beginning, comparePlaces, type RankingPart } from "../../src/domain/place.ts";
import type { Stores } from "../../src/domain/stores.ts";
import type { EncodedVector } from "../../src/domain/vector.ts";
import { cutDocument, never, type OpenSubject, put, type Subject } from "./subject.ts";

/** Looks for what all documents of the suite have something of. */
type Ask = (
  stores: Stores,
  part: RankingPart & { readonly limit: number; readonly filter?: Filter; readonly tenant?: string },
) => Promise<readonly Hit[]>;

const documentCount = 30;
const ids = ["a", "b", "가", "나", "Ａ", "😀"].flatMap((prefix) => [1, 2, 3, 4, 5].map((n) => `${prefix}-${n}`));
/** Five texts only, so that many passages score alike; one document in six has several passages. */
const textOf = (number: number) => {
  const line = `사과와 apple 이야기 ${"배 ".repeat(number % 5)}`.trim();
  return number % 6 === 0 ? Array(4).fill(`${line}. `.repeat(90)).join("\n\n") : line;
};
const tagsOf = (number: number) => (number % 3 === 0 ? ["셋째"] : []);
const filter: Filter = { kind: "tag", tag: "셋째" };

/** What every ranking promises that can be read part by part. */
function partsContract(
  kind: "keywords" | "vectors",
  name: string,
  open: OpenSubject,
  prepare: (stores: Stores) => Promise<void>,
  ask: Ask,
): void {
  describe(`${kind} in parts: ${name}`, () => {
    let subject: Subject;
    let stores: Stores;
    beforeEach(async () => {
      subject = await open();
      stores = subject.stores;
      const documents = ids.map((id, number) => cutDocument(id, { text: textOf(number), tags: tagsOf(number) }));
      await put(stores, "t", ...documents);
      await put(stores, "other", cutDocument("a-1", { text: textOf(1) }));
      await prepare(stores);
    });
    afterEach(() => subject.close());

    const whole = (more: { readonly filter?: Filter } = {}) => ask(stores, { limit: 1000, ...more });
    const inParts = async (limit: number, more: { readonly filter?: Filter } = {}, between = async () => {}) => {
      const found: Hit[] = [];
      for (let part: readonly Hit[] = []; ;) {
        part = await ask(stores, { limit, after: found.at(-1), ...more });
        expect(part.length).toBeLessThanOrEqual(limit);
        if (part.length === 0) return found;
        found.push(...part);
        await between();
      }
    };

    it("is the same part by part as in one piece, among many that score alike", async () => {
      const all = await whole();
      expect(all.length).toBeGreaterThan(documentCount);
      expect(new Set(all.map(({ score }) => score)).size).toBeLessThan(all.length / 2);
      expect([...all].sort(comparePlaces)).toEqual(all);
      for (const limit of [1, 4, 7, 100]) expect(await inParts(limit)).toEqual(all);
      const filtered = await whole({ filter });
      expect(filtered).toEqual(all.filter(({ documentId }) => ids.indexOf(documentId) % 3 === 0));
      expect(await inParts(3, { filter })).toEqual(filtered);
    });

    it("goes on from a place that nobody holds", async () => {
      const all = await whole();
      expect(await ask(stores, { limit: 1000, after: beginning })).toEqual(all);
      const { score } = all[5]!;
      const behind = (documentId: string, ordinal: number) =>
        ask(stores, { limit: 1000, after: { score, documentId, ordinal } });
      expect(await behind("", -1)).toEqual(all.filter((hit) => hit.score <= score));
      expect(await behind("b-9", 0)).toEqual(
        all.filter((hit) => comparePlaces(hit, { score, documentId: "b-9", ordinal: 0 }) > 0),
      );
      expect(await behind("\u{10ffff}", 0)).toEqual(all.filter((hit) => hit.score < score));
      expect(await ask(stores, { limit: 10, after: { score: -1e9, documentId: "", ordinal: 0 } })).toEqual([]);
    });

    it("looks at the passages it is told to, with the scores that they have in the whole", async () => {
      const all = await whole();
      const every = (step: number) => all.filter((_, index) => index % step === 0);
      for (const step of [1, 2, 9]) {
        const passageIds = every(step).map(({ passageId }) => passageId);
        expect(await ask(stores, { limit: 1000, passageIds })).toEqual(every(step));
      }
      const passageIds = all.map(({ passageId }) => passageId);
      expect(await ask(stores, { limit: 1000, passageIds, filter })).toEqual(await whole({ filter }));
      expect(await ask(stores, { limit: 2, passageIds, after: all[3]! })).toEqual(all.slice(4, 6));
      expect(await ask(stores, { limit: 10, passageIds: [] })).toEqual([]);
      expect(await ask(stores, { limit: 10, passageIds: [2 ** 40] })).toEqual([]);
      expect(await ask(stores, { limit: 10, passageIds, tenant: "other" })).toEqual([]);
    });

    // BM25 scores all passages anew when one goes: there, whoever reads on has to ask for the last one's place anew.
    if (kind === "vectors")
      it("repeats nothing while documents are deleted between the parts", async () => {
        const gone = ["a-1", "b-2", "가-3", "나-5", "Ａ-1", "😀-5"];
        const found = await inParts(5, {}, async () => {
          const id = gone.pop();
          if (id !== undefined) await stores.records.deleteDocuments("t", [id], never);
        });
        const passages = found.map(({ passageId }) => passageId);
        expect(new Set(passages).size).toBe(passages.length);
      });
  });
}

export function keywordPartsContract(name: string, open: OpenSubject): void {
  for (const text of ["사과", "apples 이야기 배"]) {
    const ask: Ask = async (stores, { tenant = "t", filter: only, ...part }) => {
      const query = { text, collections: ["default"], filter: only, ...part };
      return (await stores.keywords.search(tenant, query, never)).hits;
    };
    partsContract("keywords", `${name}, "${text}"`, open, async () => {}, ask);
  }
}

export function vectorPartsContract(name: string, open: OpenSubject): void {
  for (const kind of ["semantic", "hashed"] as const) {
    const space: EmbeddingSpace = {
      id: "1".repeat(16),
      dimensions: 4,
      kind,
      denseWeight: 0.3,
      cacheThreshold: 2,
      model: "m",
    };
    const vectorOf = (number: number): EncodedVector => ({
      kind: "float32",
      values: Float32Array.of(1, number % 5, (number % 3) - 1, 0.3),
    });
    const prepare = async (stores: Stores) => {
      const query = { collection: "default", spaceId: space.id, documentIds: [], afterPassageId: 0, limit: 1000 };
      for (const tenant of ["t", "other"]) {
        const { contents } = await stores.vectors.missing(tenant, query, never);
        const vectors = contents.map(({ text, contentHash }) => ({ contentHash, vector: vectorOf(text.length) }));
        expect(sha256(contents[0]!.text)).toBe(contents[0]!.contentHash);
        await stores.vectors.put(tenant, "default", space, vectors, never);
      }
    };
    const ask: Ask = async (stores, { tenant = "t", filter: only, ...part }) => {
      const query = { vector: vectorOf(2), spaceId: space.id, collections: ["default"], filter: only, ...part };
      return (await stores.vectors.search(tenant, query, never)).hits;
    };
    partsContract("vectors", `${name}, ${kind}`, open, prepare, ask);
  }
}
