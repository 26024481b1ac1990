import { create } from "@bufbuild/protobuf";
import { createQuartetClient } from "@quartet/client";
import { DocumentSchema } from "@quartet/contracts/type/v1/document";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type FakeGateway, startFakeGateway } from "./fake-gateway.ts";
import { runQuartet } from "./run-quartet.ts";

let gateway: FakeGateway;
beforeAll(async () => {
  gateway = await startFakeGateway();
  const document = (id: string, collection: string, taxonomyPath: string, ...tags: string[]) =>
    create(DocumentSchema, { id, collection, taxonomyPath, tags, text: "본문" });
  await createQuartetClient({ baseUrl: gateway.url }).documents.putDocuments({
    documents: [
      document("a", "laws", "법/세금", "세금", "2024"),
      document("b", "laws", "법", "세금"),
      document("c", "news", "", "세금", "x"),
    ],
  });
});
afterAll(() => gateway.close());

const run = (...args: string[]) => runQuartet(["documents", ...args], { env: { QUARTET_SERVER: gateway.url } });

describe("quartet documents tags and taxonomy", () => {
  it("counts, page by page, with bars", async () => {
    const { code, stdout } = await run("tags");
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      `3  ${"█".repeat(20)}  세금`,
      expect.stringMatching(/^1 .* 2024$/),
      expect.stringMatching(/^1 .* x$/),
      "",
    ]);
  });

  it("counts those of a collection, that begin so, up to a limit; as JSON too", async () => {
    const { stdout } = await run("tags", "--collection", "laws", "--prefix", "세", "--json");
    expect(JSON.parse(stdout)).toEqual({ counts: [{ value: "세금", documents: 2 }], more: false });
    expect(JSON.parse((await run("tags", "--limit", "1", "--json")).stdout)).toMatchObject({ more: true });
    expect(JSON.parse((await run("taxonomy", "--collection", "laws", "--json")).stdout)).toMatchObject({
      counts: [{ value: "법" }, { value: "법/세금" }],
    });
  });

  it("says that there are none", async () => {
    expect((await run("tags", "--prefix", "없는")).code).toBe(4);
  });
});
