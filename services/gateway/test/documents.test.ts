import { Code } from "@connectrpc/connect";
import { PutWait } from "@quartet/contracts/gateway/v1/document_service";
import { DocumentView } from "@quartet/contracts/type/v1/document";
import { quartetError } from "@quartet/errors";
import { until } from "@quartet/testing";
import { describe, expect, it } from "@jest/globals";
import { hang, spaceA, spaceB } from "./fakes.ts";
import { openInMemory } from "./open-gateway.ts";

const documents = [
  { id: "휴가", text: "연차 휴가는 15일입니다." },
  { id: "refunds", text: "A refund takes 14 days." },
];

describe("documents that are put", () => {
  it("are recorded without a model, and get their vectors from the worker soon after", async () => {
    await using gateway = await openInMemory({ QUARTET_INDEX_POLL: "1h" }, { worker: true });
    gateway.inner.index.active = undefined;
    const { results, degradations } = await gateway.documents.putDocuments({ documents });
    expect([results.length, degradations]).toEqual([2, []]);
    await until(() => gateway.inner.index.vectors.get(spaceA)?.size === 2);
    expect(gateway.inner.index.active).toBe(spaceA);
    expect(await gateway.metricsText()).toMatch(/indexing_passages_total\{outcome="stored".*\} 2/);
  });

  it("have their vectors when the caller waits until they are searchable", async () => {
    await using gateway = await openInMemory();
    const { degradations } = await gateway.documents.putDocuments({ documents, wait: PutWait.SEARCHABLE });
    expect(degradations).toEqual([]);
    expect(gateway.inner.index.vectors.get(spaceA)?.size).toBe(2);
  });

  it("stay recorded when they do not become searchable in time, which is said", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.embed = (_, { signal }) => hang(signal);
    const put = { documents, wait: PutWait.SEARCHABLE };
    const { results, degradations } = await gateway.documents.putDocuments(put, { timeoutMs: 300 });
    expect(results).toHaveLength(2);
    expect(degradations.map(({ hop, reason }) => [hop, reason])).toEqual([["embedding", "OUT_OF_TIME"]]);
    expect(gateway.inner.documents.size).toBe(2);
  });

  it("say why they have no vectors when the provider is down", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.embed = async () => {
      throw quartetError({ code: Code.FailedPrecondition, reason: "LLM_AUTH", message: "Set a key." });
    };
    const { degradations } = await gateway.documents.putDocuments({ documents, wait: PutWait.SEARCHABLE });
    expect(degradations.map(({ reason }) => reason)).toEqual(["LLM_AUTH"]);
  });

  it("are listed, got, and deleted", async () => {
    await using gateway = await openInMemory();
    await gateway.documents.putDocuments({ documents });
    // The ID as a Mac's file system writes it.
    const got = await gateway.documents.getDocument({ documentId: "휴가".normalize("NFD"), view: DocumentView.FULL });
    expect(got.document?.text).toBe(documents[0]!.text);
    expect((await gateway.documents.listDocuments({})).documents).toHaveLength(2);
    expect((await gateway.documents.deleteDocuments({ documentIds: ["휴가"] })).deletedCount).toBe(1);
    expect((await gateway.documents.listCollections({})).collections[0]?.passageCount).toBe(1n);
  });
});

describe("a changed embedder", () => {
  it("gets its space built in the background and then searched by, without a question noticing", async () => {
    await using gateway = await openInMemory({}, { worker: true });
    await gateway.documents.putDocuments({ documents, wait: PutWait.SEARCHABLE });
    Object.assign(gateway.inner.behaviour, { ownSpace: spaceB, spaces: [spaceA, spaceB] });
    await until(() => gateway.inner.index.active === spaceB);
    await until(() => gateway.logged.some((line) => line.includes("searches use a new embedding space")));
    const { degradations } = await gateway.search.searchPassages({ query: "휴가" });
    expect(degradations).toEqual([]);
    expect(gateway.inner.requests.search.at(-1)?.spaceId).toBe(spaceB);
  });

  it("that fails is tried again later, and logged without what was embedded", async () => {
    await using gateway = await openInMemory({}, { worker: true });
    gateway.inner.behaviour.embed = async ({ texts }) => {
      if (texts.length > 0) throw quartetError({ code: Code.Unavailable, reason: "LLM_UNAVAILABLE", message: "no" });
    };
    await gateway.documents.putDocuments({ documents });
    await until(() => gateway.logged.some((line) => line.includes("indexing waits")));
    expect(gateway.logged.join("")).not.toContain("연차");
    expect(await gateway.metricsText()).toMatch(/indexing_failures_total\{reason="LLM_UNAVAILABLE".*\} 1/);
  });
});
