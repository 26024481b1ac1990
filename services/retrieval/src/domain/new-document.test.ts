import { describe, expect, it } from "@jest/globals";
import type { Metadata } from "./document.ts";
import { DocumentError, type GivenDocument, toNewDocument } from "./new-document.ts";

const given = (fields: Partial<GivenDocument> = {}): GivenDocument => ({
  id: "a",
  title: "",
  text: "본문",
  mediaType: "",
  collection: "",
  tags: [],
  taxonomyPath: "",
  metadata: {},
  language: "",
  uri: "",
  ...fields,
});

describe("toNewDocument", () => {
  it("completes what is left out", () => {
    expect(toNewDocument(given())).toMatchObject({ mediaType: "text/plain", collection: "default", language: "ko" });
  });

  it("brings every text into NFC, so that equal names are equal", () => {
    const decomposed = (text: string) => text.normalize("NFD");
    const fields = {
      id: "한글.md",
      title: "제목",
      text: "본문 é",
      tags: ["세금"],
      taxonomyPath: "법/세법",
      metadata: { 키: "값" },
    };
    const composed = toNewDocument(given(fields));
    const same = toNewDocument(
      given({
        id: decomposed(fields.id),
        title: decomposed(fields.title),
        text: decomposed(fields.text),
        tags: [decomposed("세금"), "세금"],
        taxonomyPath: decomposed(fields.taxonomyPath),
        metadata: { [decomposed("키")]: decomposed("값") },
      }),
    );
    expect(same).toEqual(composed);
  });

  it("hashes everything that was given, and nothing of the order of metadata", () => {
    const hashOf = (fields: Partial<GivenDocument>) => toNewDocument(given(fields)).contentHash;
    expect(hashOf({ metadata: { a: 1, b: [2] } })).toBe(hashOf({ metadata: { b: [2], a: 1 } }));
    const changes: Partial<GivenDocument>[] = [
      { title: "t" },
      { text: "다른 본문" },
      { mediaType: "text/markdown" },
      { collection: "c" },
      { tags: ["x"] },
      { taxonomyPath: "a" },
      { metadata: { a: 1 } },
      { language: "ko" },
      { uri: "u" },
    ];
    const hashes = [hashOf({}), ...changes.map(hashOf)];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it("counts characters, not UTF-16 units, and counts them in NFC", () => {
    expect(toNewDocument(given({ id: "😀".repeat(512) })).id).toHaveLength(1_024);
    expect(toNewDocument(given({ title: "한".repeat(1_024).normalize("NFD") })).title).toHaveLength(1_024);
  });

  it("keeps metadata of any name, and changes no prototype", () => {
    const metadata = JSON.parse('{"o": {"__proto__": {"polluted": true}, "constructor": 1}}') as Metadata;
    expect(JSON.stringify(toNewDocument(given({ metadata })).metadata)).toBe(
      '{"o":{"__proto__":{"polluted":true},"constructor":1}}',
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it.each<[string, Partial<GivenDocument>]>([
    ["text", { text: " \n\u3000 " }],
    ["text", { text: "a\0b" }],
    ["text", { text: "\ud83d" }],
    ["title", { title: "\udc00" }],
    ["id", { id: "\ud800" }],
    ["uri", { uri: "\0" }],
    ["media_type", { mediaType: "\0" }],
    ["taxonomy_path", { taxonomyPath: "\ud800" }],
    ["tags[1]", { tags: ["a", "\ud800"] }],
    ["metadata", { metadata: { a: ["x", "\0"] } }],
    ["metadata", { metadata: { a: { "\ud800": 1 } } }],
    ["metadata", { metadata: { a: Number.NaN } }],
    ["metadata", { metadata: { a: "가".repeat(6_000) } }],
    // Three characters each in NFC, so that what was given is within the limit, and what would be kept is not.
    ["text", { text: "\u{1d160}".repeat(400_000) }],
    ["title", { title: "\u{1d160}".repeat(1_000) }],
    ["id", { id: "\u{1d160}".repeat(200) }],
    ["taxonomy_path", { taxonomyPath: "\u{1d160}".repeat(200) }],
    ["tags[1]", { tags: ["a", "\u{1d160}".repeat(30)] }],
  ])("refuses %s that no store can hold", (field, fields) => {
    const refuse = () => toNewDocument(given(fields));
    expect(refuse).toThrow(DocumentError);
    expect(refuse).toThrow(expect.objectContaining({ field }));
  });
});
