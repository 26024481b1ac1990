import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import fc from "fast-check";
import { openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import { connect } from "../src/adapters/elasticsearch/connection.ts";
import { indexNames } from "../src/adapters/elasticsearch/index-definition.ts";
import { createKeywordIndex } from "../src/adapters/elasticsearch/keyword-index.ts";
import { createElasticsearch } from "../src/adapters/elasticsearch/open.ts";
import type { KeywordIndex } from "../src/domain/keyword-index.ts";
import { projectOnce } from "../src/domain/projector.ts";
import { restoreIndex } from "../src/domain/rebuild.ts";
import { cutDocument, never } from "./contract/subject.ts";
import { createMemoryRecord } from "./memory-record.ts";

/** Words of both languages, spelt in the ways that analyses differ in. */
const words = [
  ..."부가가치세는 재화의 공급에 대하여 붙는다 면세 사업자 세금계산서를 발급한다 제3조 A형 가 나 다나가".split(" "),
  ..."the running cats' naïve U.S. 1,000 3.14 invoices invoice B2B state-of-the-art ﬁnal ＡＢＣ is not taxes tax".split(
    " ",
  ),
  ..."東京タワー 漢字 ひらがな Привет 😀 e-mail@example.com".split(" "),
];
const text = (maxLength: number) =>
  fc.array(fc.constantFrom(...words), { minLength: 1, maxLength }).map((chosen) => chosen.join(" "));

/** By document: scores of all that was found. */
async function scores(keywords: KeywordIndex, query: string): Promise<Map<string, number>> {
  const asked = { text: query, collections: ["default"], filter: undefined, limit: 1_000 };
  const { hits } = await keywords.search("t", asked, never);
  return new Map(hits.map(({ documentId, score }) => [documentId, score]));
}

describeWithStores("the keyword index, embedded and in Elasticsearch", ["elasticsearch"], ({ elasticsearch }) => {
  const { prefix, url, drop } = elasticsearch.createPrefix();
  const connection = connect({ url });
  const store = createElasticsearch({ url, indexPrefix: prefix, replicas: 0 });
  let embedded: Awaited<ReturnType<typeof openEmbeddedStore>>;
  beforeAll(async () => {
    embedded = await openEmbeddedStore({ folder: ":memory:" });
    const { records, outbox, lease } = createMemoryRecord();
    const parts = { outbox, lease, writer: store.writer };
    await restoreIndex(parts, never);
    const samples = fc.sample(text(12), { numRuns: 300, seed: 7 });
    const documents = samples.map((sample, index) =>
      cutDocument(`문서-${index}`, { text: sample, title: words[index % 7]! }),
    );
    await records.putDocuments("t", documents, never);
    await embedded.records.putDocuments("t", documents, never);
    while ((await projectOnce(parts, never)) > 0);
  });
  afterAll(async () => {
    await embedded.close();
    await connection.close();
    await store.close();
    await drop();
  });

  const names = indexNames(prefix);
  /** The terms alone, without the readings that only Elasticsearch has. */
  const termsAlone = createKeywordIndex({
    connection,
    names,
    searchTimeoutMs: 10_000,
    shards: 1,
    weights: { terms: 1, nori: 0, english: 0 },
  });

  it("find the same, with the same scores, short texts in one shard", async () => {
    await fc.assert(
      fc.asyncProperty(text(5), async (query) => {
        const [ours, theirs] = [await scores(embedded.keywords, query), await scores(termsAlone, query)];
        expect(new Set(theirs.keys())).toEqual(new Set(ours.keys()));
        for (const [id, score] of ours) expect(Math.abs(theirs.get(id)! / score - 1)).toBeLessThan(0.01);
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  it("find the same with all readings: they move what is found, and find nothing of their own", async () => {
    await fc.assert(
      fc.asyncProperty(text(5), async (query) => {
        const [ours, theirs] = [await scores(embedded.keywords, query), await scores(store.keywords, query)];
        expect(new Set(theirs.keys())).toEqual(new Set(ours.keys()));
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  describe("a long question", () => {
    it("is answered as any other", async () => {
      const query = fc.sample(fc.integer({ min: 0xac00, max: 0xd7a3 }), { numRuns: 2_048, seed: 3 });
      const found = await scores(store.keywords, String.fromCodePoint(...query.slice(0, 2_040)) + " 부가세");
      expect(found.size).toBeGreaterThan(0);
    });
  });
});
