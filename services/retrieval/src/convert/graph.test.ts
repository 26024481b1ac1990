import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { GraphSchema } from "@quartet/contracts/type/v1/graph";
import { fromGraphMessage } from "./graph.ts";

describe("a graph as a message", () => {
  it("is what the domain knows by other names", () => {
    const message = create(GraphSchema, {
      entities: [
        { id: "e", name: "이름", kind: "k", aliases: ["a"] },
        { id: "f", name: "F" },
      ],
      relations: [{ sourceEntityId: "e", targetEntityId: "f", kind: "owns", weight: 0.5 }],
      mentions: [
        { entityId: "e", documentId: "d" },
        { entityId: "e", documentId: "d", span: { startOffset: 0, endOffset: 0 } },
      ],
    });
    expect(fromGraphMessage(message)).toEqual({
      entities: [
        { id: "e", name: "이름", kind: "k", aliases: ["a"] },
        { id: "f", name: "F", kind: "", aliases: [] },
      ],
      relations: [{ source: "e", target: "f", kind: "owns", weight: 0.5 }],
      mentions: [
        { entityId: "e", documentId: "d", span: undefined },
        { entityId: "e", documentId: "d", span: { start: 0, end: 0 } },
      ],
    });
  });
});
