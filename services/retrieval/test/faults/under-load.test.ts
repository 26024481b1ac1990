import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { createPutLedger, type PutLedger } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { type Cluster, openCluster } from "./cluster.ts";
import { until } from "./retrieval-process.ts";

const documentCount = 60;

const textOf = (document: number, version: number) => `subject${document}x version${version}x 본문 ${document}`;

describeWithStores("stores that come and go under load", ["postgres", "elasticsearch"], (stores) => {
  it("cost no document, and make no answer wrong", async () => {
    await using cluster = await openCluster(stores);
    await cluster.put([{ id: "doc-0", text: textOf(0, 0) }]);
    const ledger = createPutLedger();
    const load = startLoad(cluster, ledger);
    for (const store of [cluster.record, cluster.index, cluster.record, cluster.index]) {
      await sleep(1_000);
      await store.set({ kind: "refuse" });
      await sleep(2_000);
      await store.set({ kind: "pass" });
      await sleep(1_000);
      store.cutAll();
    }
    const { searches, unanswered, wrong, puts } = await load.stop();
    process.stdout.write(
      `under load: ${searches} searches answered, ${unanswered} refused, ${puts} puts acknowledged\n`,
    );
    expect(wrong).toEqual([]);
    expect(searches).toBeGreaterThan(0);
    expect(puts).toBeGreaterThan(0);

    await cluster.heal();
    await until(
      "keywords find what was put",
      async () => (await cluster.service.index.listCollections({})).collections,
      (collections) => collections.every(({ state }) => state!.projectedSeq === state!.recordSeq),
      60_000,
    );
    const lost: string[] = [];
    for (const document of ledger.documents) {
      const { passages } = await cluster.search(`subject${document}x`, { pageSize: 5, options: { fusion: 3 } });
      const version = Number(/version(\d+)x/.exec(passages[0]?.text ?? "")?.[1] ?? Number.NaN);
      if (passages.length !== 1 || !ledger.allows(document, version)) lost.push(`${document}: ${passages[0]?.text}`);
    }
    expect(lost).toEqual([]);
  }, 180_000);
});

/** One who puts, each document again and again, and three who search. */
function startLoad(cluster: Cluster, ledger: PutLedger) {
  let going = true;
  let searches = 0;
  let unanswered = 0;
  let puts = 0;
  const wrong: string[] = [];

  const put = async () => {
    for (let version = 1; going; version += 1) {
      for (let document = 0; document < documentCount && going; document += 10) {
        const numbers = Array.from({ length: 10 }, (_, each) => document + each);
        for (const number of numbers) ledger.begin(number, version);
        const documents = numbers.map((number) => ({ id: `doc-${number}`, text: textOf(number, version) }));
        const response = await cluster.service.documents
          .putDocuments({ documents }, { timeoutMs: 10_000 })
          .catch(() => undefined);
        response?.results.forEach(({ failure }, index) => {
          if (failure !== undefined) return;
          puts += 1;
          ledger.acknowledge(numbers[index]!, version);
        });
        await cluster.embed().catch(() => undefined);
        await sleep(20);
      }
    }
  };
  const search = async (lane: number) => {
    for (let round = 0; going; round += 1) {
      const document = (round * 7 + lane) % documentCount;
      const answer = await cluster.search(`subject${document}x`, { timeoutMs: 10_000 }).catch(() => undefined);
      if (answer === undefined) {
        unanswered += 1;
        await sleep(50);
        continue;
      }
      searches += 1;
      const found = new Set<string>();
      for (const { documentId, text } of answer.passages) {
        const isItself = text.startsWith(`subject${documentId.replace("doc-", "")}x version`);
        if (!isItself) wrong.push(`${documentId} with the text of another: ${text}`);
        if (found.has(documentId)) wrong.push(`${documentId} in two versions at once`);
        found.add(documentId);
      }
      // Where keywords answered from the record, nothing may stand before the one document with the word.
      const isWhole = answer.failures.every(({ hop }) => hop !== "retrieval.keyword");
      const [first] = answer.passages;
      if (isWhole && found.has(`doc-${document}`) && first!.documentId !== `doc-${document}`) {
        wrong.push(`asked for ${document}, got ${first!.documentId} first`);
      }
      await sleep(5);
    }
  };
  const lanes = [put(), search(0), search(1), search(2)];
  return {
    async stop() {
      going = false;
      await Promise.all(lanes);
      return { searches, unanswered, puts, wrong };
    },
  };
}
