import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import { filterContract } from "./contract/filter.ts";
import { keywordIndexContract } from "./contract/keyword-index.ts";
import { keywordPartsContract, vectorPartsContract } from "./contract/ranking-parts.ts";
import { recordStoreContract } from "./contract/record-store.ts";
import type { Subject } from "./contract/subject.ts";
import { vectorIndexContract } from "./contract/vector-index.ts";

async function openOnDisk(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "quartet-retrieval-"));
  let store = await openEmbeddedStore({ folder });
  return {
    stores: store,
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

recordStoreContract("embedded", openOnDisk);
keywordIndexContract("embedded", openOnDisk);
keywordPartsContract("embedded", openOnDisk);
vectorIndexContract("embedded", openOnDisk);
vectorPartsContract("embedded", openOnDisk);
filterContract("embedded", openOnDisk, ["record", "keywords", "vectors"]);
