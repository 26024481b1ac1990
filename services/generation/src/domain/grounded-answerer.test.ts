import { describe, expect, it } from "@jest/globals";
import type { Answerer, AnswerEvent, Passage } from "./answerer.ts";
import { createGroundedAnswerer } from "./grounded-answerer.ts";

const named = (text: string): Answerer => ({
  async *answer(): AsyncGenerator<AnswerEvent> {
    yield { kind: "text", text };
  },
});
const passage = { documentId: "leave" } as Passage;
const { signal } = new AbortController();

async function writerOf(passages: readonly Passage[], retrievalDisabled: boolean): Promise<string> {
  const grounded = createGroundedAnswerer({ model: named("model"), withoutPassages: named("no answer") });
  for await (const event of grounded.answer("?", passages, { signal, retrievalDisabled })) {
    if (event.kind === "text") return event.text;
  }
  return "";
}

describe("createGroundedAnswerer", () => {
  it("asks the model where there are passages", async () => {
    expect(await writerOf([passage], false)).toBe("model");
  });

  it("does not ask a model about documents that hold nothing", async () => {
    expect(await writerOf([], false)).toBe("no answer");
  });

  it("asks the model where retrieval was switched off", async () => {
    expect(await writerOf([], true)).toBe("model");
  });
});
