import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { DocumentSchema } from "@quartet/contracts/type/v1/document";
import fc from "fast-check";
import type { MetadataValue } from "../domain/document.ts";
import { fromDocumentMessage, toDocumentMessage } from "./document.ts";

const { value } = fc.letrec<{ value: MetadataValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    fc.string({ unit: "grapheme" }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "constructor", "키"), tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const word = fc.string({ unit: "grapheme", maxLength: 8 });
const attributes = fc.record({
  id: word,
  title: word,
  mediaType: word,
  collection: word,
  tags: fc.array(word, { maxLength: 3 }),
  taxonomyPath: word,
  metadata: fc.dictionary(fc.constantFrom("year", "constructor", "키"), value, { noNullPrototype: true }),
  language: word,
  uri: word,
});
const output = {
  version: 3,
  contentHash: "h",
  passageCount: 2,
  vectorCount: 1,
  createTimeMs: 1_700_000_000_123,
  updateTimeMs: 1_700_000_000_124,
};

describe("a document on the wire", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(attributes, word, (given, text) => {
        const message = create(DocumentSchema, toDocumentMessage({ ...given, ...output }, text));
        const received = fromBinary(DocumentSchema, toBinary(DocumentSchema, message));
        expect(fromDocumentMessage(received)).toEqual({ ...given, text });
        expect(received).toMatchObject({ version: 3n, contentHash: "h", passageCount: 2, vectorCount: 1 });
        expect(received.createTime).toMatchObject({ seconds: 1_700_000_000n, nanos: 123_000_000 });
      }),
    );
  });
});
