import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { putDocuments } from "../../domain/put-documents.ts";
import { DataFolderError } from "./folder-lock.ts";
import { openEmbeddedStore } from "./open.ts";

const signal = new AbortController().signal;
const pageBytes = 16_384;
const given = (id: string) => ({
  id,
  title: "",
  text: `${id} 문서입니다. `.repeat(1_000),
  mediaType: "",
  collection: "",
  tags: [],
  taxonomyPath: "",
  metadata: {},
  language: "",
  uri: "",
});

describe("opening a store", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "quartet-open-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("says in one line that the file is damaged, and lets go of the folder", async () => {
    const store = await openEmbeddedStore({ folder });
    const documents = Array.from({ length: 20 }, (_, index) => given(`d${index}`));
    await putDocuments(store, "default", documents, { signal });
    await store.close();
    await damage(join(folder, "quartet.db"));
    for (const _attempt of ["first", "second"]) {
      const opening = openEmbeddedStore({ folder });
      await expect(opening).rejects.toThrow(DataFolderError);
      await expect(opening).rejects.toThrow(
        /^The data folder .* cannot be used \(.*malformed.*\)\. Make it .* damaged, .*\.$/,
      );
    }
  });
});

/** Overwrites the head of every page but the first. */
async function damage(file: string): Promise<void> {
  const { size } = await stat(file);
  const handle = await open(file, "r+");
  for (let at = pageBytes; at < size; at += pageBytes) await handle.write(Buffer.alloc(4_000, 0x5a), 0, 4_000, at);
  await handle.close();
}
