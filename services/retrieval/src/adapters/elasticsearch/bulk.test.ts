import { describe, expect, it } from "@jest/globals";
import { judge, type Operation, operationsOf, removalOf, requestsOf } from "./bulk.ts";

const deletion = operationsOf({ tenant: "t", documentId: "d", seq: 7, current: undefined, removedPassageIds: [1] })[0]!;
const writing: Operation = { ...deletion, action: "index" };

describe("operations", () => {
  it("carry the change's number, so that an older one never wins", () => {
    expect(deletion.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { delete: { _id: "1", version: 7, version_type: "external" } },
    ]);
    expect(removalOf(writing).lines).toEqual(deletion.lines);
  });

  it("go in requests of bounded size, a large one alone", () => {
    const sized = (bytes: number) => ({ ...writing, bytes });
    const large = 3 * 1024 ** 2;
    const sizes = [1, large, 1, 1].map(sized);
    expect([...requestsOf(sizes)].map((request) => request.map(({ bytes }) => bytes))).toEqual([[1], [large], [1, 1]]);
    expect([...requestsOf(Array<Operation>(501).fill(deletion))].map(({ length }) => length)).toEqual([500, 1]);
    expect([...requestsOf([])]).toEqual([]);
  });

  it.each([
    ["done", writing, 201, undefined],
    ["done", writing, 409, "version_conflict_engine_exception"],
    ["done", deletion, 404, undefined],
    ["missing", deletion, 404, "index_not_found_exception"],
    ["missing", writing, 404, "index_not_found_exception"],
    ["again", writing, 429, "es_rejected_execution_exception"],
    ["again", writing, 429, "cluster_block_exception"],
    ["refused", writing, 400, "document_parsing_exception"],
    ["failed", writing, 400, "strict_dynamic_mapping_exception"],
    ["failed", deletion, 400, "illegal_argument_exception"],
    ["failed", writing, 403, "cluster_block_exception"],
    ["failed", writing, 503, "unavailable_shards_exception"],
    ["failed", writing, 409, "something_else"],
  ] as const)("%s: what is said of one: %#", (verdict, operation, status, type) => {
    expect(judge(operation, { status, type })).toBe(verdict);
  });
});
