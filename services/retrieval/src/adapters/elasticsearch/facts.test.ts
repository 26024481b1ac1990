import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { compareCodePoints } from "../../domain/code-point-order.ts";
import type { DocumentAttributes } from "../../domain/document.ts";
import { encodeNumber, encodeText, factsOf } from "./facts.ts";

const document: DocumentAttributes = {
  id: "부가세",
  collection: "laws",
  title: "",
  mediaType: "text/plain",
  language: "ko",
  uri: "",
  tags: ["세금"],
  taxonomyPath: "law/tax/vat",
  metadata: { year: [2024, "2024", [2025], null], since: "2024-05-30", nothing: null, deep: { a: 1 }, draft: false },
  createTimeMs: 0,
  updateTimeMs: 1,
};

describe("facts of a document", () => {
  it("are its fields, what they hold by type, and every path above its own", () => {
    const moment = encodeNumber(Date.UTC(2024, 4, 30));
    expect(new Set(factsOf(document))).toEqual(
      new Set([
        ...["document_id:", "document_id:s부가세", "collection:", "collection:slaws"],
        ...["media_type:", "media_type:stext/plain", "language:", "language:sko"],
        ...["create_time:", `create_time:t${encodeNumber(0)}`, "update_time:", `update_time:t${encodeNumber(1)}`],
        ...["tag:", "tag:s세금", "taxonomy:", "taxonomy:slaw", "taxonomy:slaw/tax", "taxonomy:slaw/tax/vat"],
        ...["metadata.year:", `metadata.year:n${encodeNumber(2024)}`, "metadata.year:s2024"],
        ...["metadata.since:", "metadata.since:s2024-05-30", `metadata.since:t${moment}`],
        ...["metadata.draft:", "metadata.draft:b0"],
      ]),
    );
  });

  it("have numbers that sort as they do, -0 being 0", () => {
    const number = fc.double({ noNaN: true });
    fc.assert(
      fc.property(number, number, (left, right) => {
        const order = compareCodePoints(encodeNumber(left), encodeNumber(right));
        expect(Math.sign(order)).toBe(Math.sign(left - right) || (left === right ? 0 : left < right ? -1 : 1));
      }),
    );
    expect(encodeNumber(-0)).toBe(encodeNumber(0));
  });

  it("fit into a term of Lucene, however long the text", () => {
    const long = `${"😀".repeat(10_000)}`;
    expect(Buffer.byteLength(`metadata.${"가".repeat(64)}:s${encodeText(long)}`)).toBeLessThan(32_766);
    expect(encodeText(long).isWellFormed()).toBe(true);
    expect(encodeText("짧다")).toBe("짧다");
  });
});
