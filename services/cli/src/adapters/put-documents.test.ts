import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import { createQuartetClient, PutOutcome } from "@quartet/client";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { DocumentSchema, type PutDocumentResult } from "@quartet/contracts/type/v1/document";
import { quartetError } from "@quartet/errors";
import { putDocuments } from "./put-documents.ts";

const documents = ["a", "b", "c"].map((id) => create(DocumentSchema, { id, text: id }));

/** A client of a server that answers one put after another, and the IDs of each. */
function clientOf(answer: (ids: readonly string[], attempt: number) => Partial<PutDocumentResult>[]) {
  const puts: string[][] = [];
  const transport = createRouterTransport(({ service }) => {
    service(DocumentService, {
      putDocuments(request) {
        const ids = request.documents.map(({ id }) => id);
        puts.push(ids);
        return { results: answer(ids, puts.length) as PutDocumentResult[] };
      },
    });
  });
  return { client: createQuartetClient({ baseUrl: "http://unused.invalid", transport }), puts };
}

const created = (documentId: string) => ({ documentId, outcome: PutOutcome.CREATED });

const failed = (documentId: string, retryDelayMs?: number) => ({
  documentId,
  outcome: PutOutcome.FAILED,
  failure: {
    code: "resource_exhausted",
    reason: "OVERLOADED",
    message: "Busy.",
    ...(retryDelayMs !== undefined && { retryDelay: durationFromMs(retryDelayMs) }),
  } as PutDocumentResult["failure"],
});

const never = new AbortController().signal;

const outcomes = (results: readonly PutDocumentResult[]) =>
  Object.fromEntries(results.map(({ documentId, outcome }) => [documentId, outcome]));

describe("putting a batch", () => {
  it("puts only those again that may succeed later", async () => {
    const { client, puts } = clientOf((ids, attempt) =>
      ids.map((id) => {
        if (id === "a") return failed(id);
        return id === "b" && attempt < 3 ? failed(id, 5) : created(id);
      }),
    );
    const results = await putDocuments(client, documents, never);
    expect(puts).toEqual([["a", "b", "c"], ["b"], ["b"]]);
    expect(outcomes(results)).toEqual({ a: PutOutcome.FAILED, b: PutOutcome.CREATED, c: PutOutcome.CREATED });
  });

  it("gives up after six attempts, with what the server said last", async () => {
    const { client, puts } = clientOf((ids) => ids.map((id) => failed(id, 1)));
    const results = await putDocuments(client, documents, never);
    expect(puts).toHaveLength(6);
    expect(results).toHaveLength(3);
  });

  it("throws what waiting does not mend", async () => {
    const { client, puts } = clientOf(() => {
      throw quartetError({ code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE", message: "Too large." });
    });
    await expect(putDocuments(client, documents, never)).rejects.toMatchObject({ reason: "MESSAGE_TOO_LARGE" });
    expect(puts).toHaveLength(1);
  });

  it("stops waiting when it is interrupted", async () => {
    const stop = new AbortController();
    const { client } = clientOf((ids) => {
      setTimeout(() => stop.abort(), 20);
      return ids.map((id) => failed(id, 60_000));
    });
    await expect(putDocuments(client, documents, stop.signal)).rejects.toMatchObject({ name: "AbortError" });
  });
});
