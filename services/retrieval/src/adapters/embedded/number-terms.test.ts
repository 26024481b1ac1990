import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { putDocuments } from "../../domain/put-documents.ts";
import { inMemory } from "./database.ts";
import { type EmbeddedStore, openEmbeddedStore } from "./open.ts";

const signal = new AbortController().signal;
/** More than are numbered at once, and in two documents. */
const words = Array.from({ length: 5_000 }, (_, index) => `word${index}`);
const given = (id: string) => ({
  id,
  title: "",
  text: words.join(" "),
  mediaType: "",
  collection: "",
  tags: [],
  taxonomyPath: "",
  metadata: {},
  language: "",
  uri: "",
});

describe("the terms of a document", () => {
  let store: EmbeddedStore;
  beforeEach(async () => {
    store = await openEmbeddedStore({ folder: inMemory });
  });
  afterEach(() => store.close());

  const put = async (id: string) => (await putDocuments(store, "default", [given(id)], { signal })).results[0]?.outcome;
  const found = async (text: string) => {
    const query = { text, collections: ["default"], filter: undefined, limit: 10 };
    const { hits } = await store.keywords.search("default", query, { signal });
    return hits.length;
  };

  it("have one number each, also when two documents bring thousands of the same at once", async () => {
    expect(await Promise.all([put("a"), put("b")])).toEqual(["created", "created"]);
    for (const word of [words[0]!, words[2_500]!, words.at(-1)!]) expect(await found(word)).toBe(2);
  });
});
