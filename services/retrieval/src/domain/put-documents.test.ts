import { describe, expect, it } from "@jest/globals";
import type { CutDocument } from "./document.ts";
import { putDocuments } from "./put-documents.ts";
import type { Stores } from "./stores.ts";

const call = { signal: new AbortController().signal };
const given = (id: string, text = "본문") => ({
  id,
  title: "",
  text,
  mediaType: "",
  collection: "",
  tags: [],
  taxonomyPath: "",
  metadata: {},
  language: "",
  uri: "",
});

describe("putDocuments", () => {
  const written: CutDocument[] = [];
  const known = new Map<string, { version: number; contentHash: string }>();
  const stores = {
    records: {
      versions: async () => known,
      putDocuments: async (_tenant: string, documents: readonly CutDocument[]) => {
        written.push(...documents);
        const results = documents.map(({ document }) =>
          document.id === "broken"
            ? { outcome: "failed", version: 0, error: new Error("disk full") }
            : { outcome: "created", version: 1 },
        );
        return { results, collections: [] };
      },
    },
  } as unknown as Stores;

  it("gives each document its own result, in order", async () => {
    const documents = [given("a"), given("empty", " "), given("broken"), given("a")];
    const { results } = await putDocuments(stores, "t", documents, call);
    expect(results.map(({ documentId, outcome }) => [documentId, outcome])).toEqual([
      ["a", "created"],
      ["empty", "refused"],
      ["broken", "failed"],
      ["a", "refused"],
    ]);
    expect(written.map(({ document }) => document.id)).toEqual(["a", "broken"]);
  });

  it("does not cut or write what is stored already", async () => {
    known.set("a", { version: 7, contentHash: written[0]!.document.contentHash });
    const { results } = await putDocuments(stores, "t", [given("a")], call);
    expect(results).toEqual([{ documentId: "a", outcome: "unchanged", version: 7 }]);
    expect(written).toHaveLength(2);
  });
});
