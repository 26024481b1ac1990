import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, jest } from "@jest/globals";
import { until } from "@quartet/testing";
import { openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import { entity, graphIndexContract, type GraphSubject } from "./contract/graph-index.ts";
import { cutDocument, never, put } from "./contract/subject.ts";

const tenants = ["t", "u"];
const nothing = { entities: [], relations: [], mentions: [] };

async function openOnDisk(): Promise<GraphSubject> {
  const folder = await mkdtemp(join(tmpdir(), "quartet-graph-"));
  let store = await openEmbeddedStore({ folder });
  return {
    stores: store,
    settle: async () => {
      for (const tenant of tenants) {
        while ((await store.graph.put(tenant, nothing, never)).waitingDocumentCount > 0) await sleep(1);
      }
    },
    reopen: async () => {
      await store.close();
      store = await openEmbeddedStore({ folder });
      return store;
    },
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

graphIndexContract("embedded", openOnDisk);

describe("documents that are being looked through", () => {
  const named = async ({ stores }: GraphSubject, text: string) => {
    const query = { text, collections: ["default"], filter: undefined, limit: 1_000 };
    return (await stores.graph!.search("t", query, never)).hits.map(({ documentId }) => documentId);
  };
  const ids = Array.from({ length: 120 }, (_, index) => `d${String(index).padStart(3, "0")}`);
  const document = (id: string) => cutDocument(id, { text: `런던에서 온 편지 ${id}` });

  it("are gone on with when the store is opened again, wherever it was closed", async () => {
    const subject = await openOnDisk();
    await put(subject.stores, "t", ...ids.map(document));
    await subject.stores.graph!.put("t", { ...nothing, entities: [entity("london", { name: "런던" })] }, never);
    const reopened = { ...subject, stores: await subject.reopen() };
    await subject.settle();
    expect(await named(reopened, "런던")).toEqual(ids);
    await subject.close();
  });

  it("are looked through again where names came between their own look and their write", async () => {
    const subject = await openOnDisk();
    const { graph } = subject.stores;
    await put(subject.stores, "t", cutDocument("replaced", { text: "베를린에서 온 편지" }));
    const text = "런던에서 온 편지. ".repeat(2_000);
    const documents = ["replaced", "new"].map((id) => cutDocument(id, { text }));
    const passageCount = documents.flatMap(({ passages }) => passages).length;
    // Each passage takes a turn of its own: all that was there is looked through long before these are written.
    let nowMs = performance.now();
    const clock = jest.spyOn(performance, "now").mockImplementation(() => (nowMs += 10));
    const putting = put(subject.stores, "t", ...documents);
    await graph!.put("t", { ...nothing, entities: [entity("london", { name: "런던" })] }, never);
    await putting;
    clock.mockRestore();
    await until(async () => (await named(subject, "런던")).length === passageCount);
    await subject.close();
  });

  it("are replaced, deleted and put meanwhile, and names come and go", async () => {
    const subject = await openOnDisk();
    const { graph, records } = subject.stores;
    await put(subject.stores, "t", ...ids.map(document));
    await Promise.all([
      graph!.put("t", { ...nothing, entities: [entity("london", { name: "런던" })] }, never),
      put(subject.stores, "t", ...ids.slice(0, 40).map((id) => cutDocument(id, { text: `파리에서 온 편지 ${id}` }))),
      records.deleteDocuments("t", ids.slice(40, 60), never),
      graph!.put(
        "t",
        { ...nothing, entities: [entity("paris", { name: "파리" }), entity("gone", { name: "편지" })] },
        never,
      ),
      graph!.deleteEntities("t", ["gone"], never),
    ]);
    await subject.settle();
    expect(await named(subject, "런던")).toEqual(ids.slice(60));
    expect(await named(subject, "파리")).toEqual(ids.slice(0, 40));
    expect(await named(subject, "편지")).toEqual([]);
    await subject.close();
  });
});
