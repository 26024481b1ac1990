import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import { graphIndexContract, type GraphSubject } from "./contract/graph-index.ts";
import { never } from "./contract/subject.ts";

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
