import { describe, expect, it } from "@jest/globals";
import { Code, type ConnectError } from "@connectrpc/connect";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { reasonOf } from "@quartet/errors";
import { createClient, createInMemoryTransport } from "@quartet/rpc";
import type { RebuildParts } from "../src/domain/rebuild.ts";
import { createRebuildIndex } from "../src/handlers/rebuild-index.ts";
import { cutDocument, never } from "./contract/subject.ts";
import { createEngine } from "./fakes/engine.ts";
import { createMemoryRecord } from "./memory-record.ts";

describe("RebuildIndex", () => {
  function setUp(more: Partial<RebuildParts> = {}) {
    const record = createMemoryRecord();
    const engine = createEngine();
    const parts: RebuildParts = { ...record, writer: engine.writer, limits: { maxDocuments: 2 }, ...more };
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => void failures.push(error);
    return { record, engine, parts, failures, client: clientOf(() => parts, onFailure) };
  }
  const clientOf = (parts: () => RebuildParts | undefined, onFailure: (error: unknown) => void = () => {}) =>
    createClient(
      IndexService,
      createInMemoryTransport((add) =>
        add(IndexService, { rebuildIndex: createRebuildIndex({ parts, onFailure, everyMs: 1 }) }),
      ),
    );
  const counts = async (client: ReturnType<typeof clientOf>) => {
    const seen: [bigint, bigint][] = [];
    for await (const { doneCount, totalCount } of client.rebuildIndex({})) seen.push([doneCount, totalCount]);
    return seen;
  };
  const failure = async (client: ReturnType<typeof clientOf>): Promise<ConnectError> =>
    counts(client).then(
      () => {
        throw new Error("nothing failed");
      },
      (error: unknown) => error as ConnectError,
    );

  it("tells how far it has come, to the end", async () => {
    const { record, engine, client } = setUp();
    const documents = ["a", "b", "c"].map((id) => cutDocument(id));
    await record.records.putDocuments("t", documents, never);
    const seen = await counts(client);
    expect(seen.at(-1)).toEqual([3n, 3n]);
    expect(engine.found().sort()).toEqual(["a", "b", "c"]);
  });

  it("is not there where the keyword index is part of the record", async () => {
    const error = await failure(clientOf(() => undefined));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unimplemented, "NOT_ENABLED"]);
  });

  it("is refused while an index is being built", async () => {
    const { client, failures } = setUp({ lease: { tryRun: async () => undefined } });
    const error = await failure(client);
    expect([error.code, reasonOf(error)]).toEqual([Code.ResourceExhausted, "OVERLOADED"]);
    expect(failures).toHaveLength(1);
  });

  it("stops when the caller leaves, and the old index stays", async () => {
    const { record, engine, parts, client } = setUp();
    await record.records.putDocuments("t", [cutDocument("a")], never);
    await counts(client);
    const old = await engine.writer.serving(never);
    const stopped = Promise.withResolvers<void>();
    const stuck = clientOf(() => ({
      ...parts,
      writer: {
        ...engine.writer,
        write: async (_, __, { signal }) => {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          stopped.resolve();
          throw signal.reason;
        },
      },
    }));
    const leaving = new AbortController();
    const reading = (async () => {
      for await (const _ of stuck.rebuildIndex({}, { signal: leaving.signal })) leaving.abort();
    })();
    await expect(reading).rejects.toThrow();
    await stopped.promise;
    while ((await engine.writer.indexes(never)).length > 1) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await engine.writer.indexes(never)).toEqual([old]);
    expect(await record.outbox.indexes(never)).toEqual([old]);
  });
});
