import { afterAll, afterEach, beforeAll, expect, it } from "@jest/globals";
import { createQuartetClient, QuartetError, type QuartetClient } from "@quartet/client";
import type { AnswerQuestionResponse } from "@quartet/contracts/gateway/v1/answer_service";
import { createTcpProxy, type FakeProvider, startFakeProvider, type TcpProxy } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { migrateDatabase, type Running, startStandalone, temporaryFolder } from "../src/processes.ts";

const question = "How many days does a refund take?";

/** From the public port to the stores: what a user is told while they are away, and what no model is asked. */
describeWithStores("answers while stores are away", ["postgres", "elasticsearch"], ({ postgres, elasticsearch }) => {
  const index = elasticsearch.createPrefix();
  const endings: (() => PromiseLike<unknown>)[] = [() => index.drop()];
  let record: TcpProxy;
  let keywords: TcpProxy;
  let provider: FakeProvider;
  let server: Running & { readonly url: string };
  let quartet: QuartetClient;

  beforeAll(async () => {
    const database = await postgres.createDatabase();
    endings.push(() => database.drop());
    await migrateDatabase(database.url);
    record = await createTcpProxy({ target: database.url });
    endings.push(() => record.close());
    keywords = await createTcpProxy({ target: elasticsearch.url });
    endings.push(() => keywords.close());
    provider = await startFakeProvider();
    endings.push(() => provider.close());
    provider.set({ answer: ["A refund takes 14 days [1]."] });
    const data = await temporaryFolder();
    endings.push(() => data[Symbol.asyncDispose]());
    server = await startStandalone({
      QUARTET_DATA_DIR: data.path,
      DATABASE_URL: record.url(database.url),
      ELASTICSEARCH_URL: keywords.url(elasticsearch.url),
      QUARTET_ELASTICSEARCH_PREFIX: index.prefix.replace(/-$/, ""),
      QUARTET_ELASTICSEARCH_REPLICAS: "0",
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_API_KEY: "sk-canary-1234567890",
      QUARTET_EMBEDDER: "hashed",
      // What was found before a store went away would hide that it did.
      QUARTET_SEARCH_CACHE_ENTRIES: "0",
    });
    endings.push(() => server.stop());
    quartet = createQuartetClient({ baseUrl: server.url });
    const refunds = { id: "refunds", title: "Refunds", text: "A refund takes 14 days. It is paid to the card." };
    await quartet.documents.putDocuments({ documents: [refunds], wait: 2 });
  }, 180_000);
  afterEach(async () => {
    await record.set({ kind: "pass" });
    await keywords.set({ kind: "pass" });
    await untilAnswered(({ degradations }) => degradations.length === 0);
  }, 90_000);
  afterAll(async () => {
    for (const end of endings.reverse()) await Promise.resolve(end()).catch(() => undefined);
  }, 60_000);

  /** Asks until the answer is as it should be. */
  const untilAnswered = async (isGood: (answer: AnswerQuestionResponse) => boolean): Promise<void> => {
    let last: unknown;
    for (const end = Date.now() + 60_000; Date.now() < end;) {
      last = await quartet.answers.answerQuestion({ question }).catch((error: unknown) => error);
      if (!(last instanceof Error) && isGood(last as AnswerQuestionResponse)) return;
    }
    throw new Error("the answer did not become as it should be", { cause: last });
  };
  const reasons = ({ degradations }: AnswerQuestionResponse) =>
    degradations.map(({ hop, reason }) => `${hop} ${reason}`).sort();

  it("puts and answers, searchable at once", async () => {
    const answer = await quartet.answers.answerQuestion({ question });
    expect(answer.citations.map(({ documentId }) => documentId)).toEqual(["refunds"]);
    expect(reasons(answer)).toEqual([]);
  });

  it("goes by vectors alone without Elasticsearch", async () => {
    await keywords.set({ kind: "refuse" });
    const answer = await quartet.answers.answerQuestion({ question });
    expect(answer.citations[0]!.documentId).toBe("refunds");
    expect(reasons(answer)).toEqual(["retrieval.keyword UPSTREAM_FAILED"]);
  }, 60_000);

  it("goes by what the keyword index keeps without PostgreSQL", async () => {
    await record.set({ kind: "refuse" });
    const answer = await quartet.answers.answerQuestion({ question });
    expect(answer.citations[0]!.documentId).toBe("refunds");
    expect(reasons(answer)).toContain("retrieval.record MAY_BE_STALE");
  }, 60_000);

  it("asks no model when neither is there", async () => {
    await record.set({ kind: "refuse" });
    await keywords.set({ kind: "refuse" });
    const before = provider.requests.length;
    for (let round = 0; round < 8; round += 1) {
      const error = await quartet.answers.answerQuestion({ question }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(QuartetError);
      expect(error).toMatchObject({ code: "unavailable", reason: "ALL_SOURCES_FAILED" });
    }
    expect(provider.requests.length).toBe(before);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(server.stdout() + server.stderr()).not.toContain("canary");
  }, 60_000);
});
