import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { createQuartetClient, type QuartetClient } from "@quartet/client";
import { DocumentView } from "@quartet/contracts/type/v1/document";
import { Fusion } from "@quartet/contracts/type/v1/search";
import { createPutLedger, type PutLedger, startFakeProvider, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { type OwnStore, startOwnStores } from "../src/own-stores.ts";
import { migrateDatabase, startStandalone, temporaryFolder } from "../src/processes.ts";

const documentCount = 40;
const stores: readonly OwnStore[] = ["redis", "elasticsearch", "postgres"];

const idOf = (document: number) => `문서-${document}`;
const wordOf = (document: number) => `subject${document}x`;
const textOf = (document: number, version: number) => `${wordOf(document)} 환불 규정 version${version}x`;
const versionIn = (text: string | undefined) => Number(/version(\d+)x/.exec(text ?? "")?.[1] ?? Number.NaN);

/** Genuine servers, each stopped as an operator stops it and started again, while documents are put and questions asked at the public port. */
describeWithStores("stores that are stopped and started under load", ["postgres", "elasticsearch", "redis"], () => {
  it("cost no document, and make no answer wrong", async () => {
    await using own = await startOwnStores();
    await migrateDatabase(own.urls["DATABASE_URL"]!);
    await using provider = await openProvider();
    await using data = await temporaryFolder();
    await using server = await openServer({
      ...own.urls,
      QUARTET_DATA_DIR: data.path,
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_API_KEY: "sk-canary-1234567890",
    });
    const quartet = createQuartetClient({ baseUrl: server.url });
    const ledger = createPutLedger();
    await using load = startLoad(quartet, ledger);
    await until(() => load.counts.puts >= documentCount, { limitMs: 60_000, everyMs: 50 });
    await until(() => isSearchedByWords(quartet), { limitMs: 60_000, everyMs: 200 });
    for (const store of stores) {
      await own.stop(store);
      // Without PostgreSQL, as without Elasticsearch, questions are answered; Redis is missed by nobody.
      await load.untilSearched(10, `without ${store}`);
      await own.start(store);
      await sleep(500);
    }
    const { puts, wrong } = await load.stop();
    expect(wrong).toEqual([]);
    expect(puts).toBeGreaterThan(documentCount);

    await until(() => isCaughtUp(quartet), { limitMs: 90_000, everyMs: 200 });
    expect(ledger.documents).toHaveLength(documentCount);
    const lost: string[] = [];
    for (const document of ledger.documents) {
      const recorded = await quartet.documents.getDocument({ documentId: idOf(document), view: DocumentView.FULL });
      const { passages, degradations } = await quartet.search.searchPassages({
        query: wordOf(document),
        options: { fusion: Fusion.KEYWORD_ONLY },
      });
      const [first] = passages;
      const versions = [versionIn(recorded.document?.text), versionIn(first?.text)];
      const isKept = ledger.allows(document, versions[0]!) && versions[0] === versions[1];
      if (passages.length !== 1 || first?.documentId !== idOf(document) || !isKept || degradations.length > 0) {
        lost.push(`${idOf(document)}: ${versions.join(" recorded, found ")}`);
      }
    }
    expect(lost).toEqual([]);
    const output = server.stdout() + server.stderr();
    expect(output).not.toContain("canary");
    expect(output).not.toMatch(/uncaughtException|unhandledRejection|"level":60/);
    expect(await server.stop()).toBe(0);
  }, 900_000);
});

async function openProvider() {
  const provider = await startFakeProvider();
  provider.set({ answer: ["It is as the passage says [1]."] });
  return Object.assign(provider, { [Symbol.asyncDispose]: () => provider.close() });
}

async function openServer(environment: Readonly<Record<string, string>>) {
  const server = await startStandalone(environment);
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.kill() });
}

/** From the moment there is a keyword index. */
async function isSearchedByWords(quartet: QuartetClient): Promise<boolean> {
  const { degradations } = await quartet.search.searchPassages({ query: wordOf(0) });
  return degradations.every(({ hop }) => hop !== "retrieval.keyword");
}

async function isCaughtUp(quartet: QuartetClient): Promise<boolean> {
  const { collections } = await quartet.documents.listCollections({}).catch(() => ({ collections: [] }));
  return collections.length > 0 && collections.every(({ state }) => state!.projectedSeq === state!.recordSeq);
}

/** One who puts each document again and again, two who search and one who asks. */
function startLoad(quartet: QuartetClient, ledger: PutLedger) {
  let going = true;
  const counts = { puts: 0, searches: 0 };
  const refusals: string[] = [];
  const wrong: string[] = [];

  const put = async () => {
    for (let version = 1; going; version += 1) {
      for (let first = 0; first < documentCount && going; first += 10) {
        const numbers = Array.from({ length: 10 }, (_, each) => first + each);
        for (const number of numbers) ledger.begin(number, version);
        const documents = numbers.map((number) => ({ id: idOf(number), text: textOf(number, version) }));
        const answer = await quartet.documents
          .putDocuments({ documents }, { timeoutMs: 10_000 })
          .catch(() => undefined);
        answer?.results.forEach(({ failure }, index) => {
          if (failure !== undefined) return;
          counts.puts += 1;
          ledger.acknowledge(numbers[index]!, version);
        });
        await sleep(50);
      }
    }
  };
  /** Each passage has the text of its own document, once. */
  const check = (found: readonly { readonly documentId: string; readonly text: string }[]) => {
    const ids = found.map(({ documentId }) => documentId);
    if (new Set(ids).size < ids.length) wrong.push(`twice in one answer: ${ids.join()}`);
    for (const { documentId, text } of found) {
      const word = wordOf(Number(documentId.slice(idOf(0).length - 1)));
      if (!text.includes(`${word} `)) wrong.push(`${documentId} with the text of another: ${text}`);
    }
  };
  const repeat = async (ask: (document: number) => Promise<void>) => {
    for (let round = 0; going; round += 7) {
      await ask(round % documentCount).then(
        () => (counts.searches += 1),
        (error: unknown) => refusals.push(String(error)),
      );
      await sleep(20);
    }
  };
  const search = async (document: number) => {
    const { passages, degradations } = await quartet.search.searchPassages(
      { query: wordOf(document) },
      { timeoutMs: 10_000 },
    );
    check(passages);
    const areWordsHere = degradations.every(({ hop }) => hop !== "retrieval.keyword");
    if (!areWordsHere || passages[0]?.documentId === idOf(document)) return;
    // While its vector is on its way, others may be nearer to the question; but no other has this word.
    const byWords = await quartet.search.searchPassages(
      { query: wordOf(document), options: { fusion: Fusion.KEYWORD_ONLY } },
      { timeoutMs: 10_000 },
    );
    check(byWords.passages);
    const others = byWords.passages.filter(({ documentId }) => documentId !== idOf(document));
    if (others.length > 0) wrong.push(`asked for ${idOf(document)}, got ${others.map(({ documentId }) => documentId)}`);
  };
  const answer = async (document: number) => {
    const { citations } = await quartet.answers.answerQuestion(
      { question: `${wordOf(document)} 환불 규정` },
      { timeoutMs: 10_000 },
    );
    check(citations);
  };
  const lanes = [put(), repeat(search), repeat(search), repeat(answer)];
  const stop = async () => {
    going = false;
    await Promise.all(lanes);
    return { puts: counts.puts, wrong };
  };
  const untilSearched = async (count: number, when: string) => {
    const before = counts.searches;
    refusals.length = 0;
    await until(() => counts.searches >= before + count, { limitMs: 60_000, everyMs: 50 }).catch(() => {
      throw new Error(
        `${counts.searches - before} of ${count} searches ${when}; refused: ${refusals.slice(0, 5).join("\n")}`,
      );
    });
  };
  return { counts, untilSearched, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}
