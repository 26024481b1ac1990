import { expect, it } from "@jest/globals";
import { describeWithStores } from "@quartet/testing/jest";
import { idsOf, type NewDocument, openCluster } from "./cluster.ts";
import { until } from "./retrieval-process.ts";

const documentCount = 1_000;
const batchSize = 100;

const documentOf = (number: number): NewDocument => ({
  id: `doc-${number}`,
  title: `문서 ${number}`,
  text: `marker${number}x 문서 ${number}번은 온누리 규정을 설명한다.`,
});

/** The keyword index alone is asked, and as much as it has. */
const keywordsOnly = { pageSize: 100, options: { fusion: 3 } };

describeWithStores("the outbox", ["postgres", "elasticsearch"], (stores) => {
  it(`brings ${documentCount} documents to an index that was away for all of their import, through a kill -9`, async () => {
    await using cluster = await openCluster(stores, { QUARTET_RETRIEVAL_LEG_TIMEOUT: "5s" });
    await cluster.heal();
    await cluster.index.set({ kind: "refuse" });
    for (let start = 0; start < documentCount; start += batchSize) {
      const documents = Array.from({ length: batchSize }, (_, each) => documentOf(start + each));
      const { results } = await cluster.service.documents.putDocuments({ documents });
      expect(results.filter(({ failure }) => failure !== undefined)).toEqual([]);
      if (start === documentCount / 2) {
        await cluster.service.stop("SIGKILL");
        await cluster.service.start();
      }
    }
    // Of one document the last version counts, and of a deleted one nothing.
    await cluster.service.documents.putDocuments({ documents: [{ ...documentOf(1), text: "rewritten1x 새 본문" }] });
    await cluster.service.documents.deleteDocuments({ documentIds: ["doc-2"] });
    await cluster.service.stop("SIGKILL");
    await cluster.service.start();
    const behind = (await cluster.service.index.listCollections({})).collections[0]!;
    expect(behind.state!.projectedSeq).toBeLessThan(behind.state!.recordSeq);

    const upAgain = Date.now();
    await cluster.index.set({ kind: "pass" });
    await until(
      "everything is in the keyword index",
      async () => (await cluster.service.index.listCollections({})).collections[0]!.state!,
      ({ projectedSeq, recordSeq }) => projectedSeq === recordSeq,
      60_000,
    );
    const caughtUpMs = Date.now() - upAgain;
    process.stdout.write(`the keyword index had caught up with ${documentCount} documents after ${caughtUpMs} ms\n`);
    expect(caughtUpMs).toBeLessThan(30_000);

    const rewritten = await until(
      "the keyword index is asked again",
      () => cluster.search("rewritten1x", keywordsOnly),
      ({ failures }) => failures.length === 0,
    );
    expect(idsOf(rewritten)).toEqual(["doc-1"]);
    const missing: string[] = [];
    const lanes = Array.from({ length: 10 }, async (_, lane) => {
      for (let number = lane; number < documentCount; number += 10) {
        const found = idsOf(await cluster.search(`marker${number}x`, keywordsOnly)).filter(
          (id) => id === `doc-${number}`,
        );
        const expected = number === 1 || number === 2 ? 0 : 1;
        if (found.length !== expected) missing.push(`doc-${number}: ${found.length}`);
      }
    });
    await Promise.all(lanes);
    expect(missing).toEqual([]);
    // Nothing twice: as many passages in the index as in the record.
    const [collection] = (await cluster.service.index.listCollections({})).collections;
    expect(Number(collection!.passageCount)).toBe(documentCount - 1);
    expect(await passagesInIndex(cluster.elasticsearchUrl, cluster.prefix)).toBe(documentCount - 1);
  }, 300_000);
});

async function passagesInIndex(url: string, prefix: string): Promise<number> {
  await fetch(`${url}/${prefix}*/_refresh`, { method: "POST" });
  const response = await fetch(`${url}/${prefix}*/_count`);
  return ((await response.json()) as { readonly count: number }).count;
}
