import { Code } from "@connectrpc/connect";
import { quartetError, reasonOf } from "@quartet/errors";
import { until } from "@quartet/testing";
import { describe, expect, it } from "@jest/globals";
import { type FakeServices, spaceA } from "./fakes.ts";
import { failure } from "./failure.ts";
import { openInMemory } from "./open-gateway.ts";

/** An embedder that takes no text in which this stands. */
function refuseTextsWith(inner: FakeServices, word: string): void {
  inner.behaviour.embed = async ({ texts }) => {
    if (!texts.some((text) => text.includes(word))) return;
    const metadata = { refusesTexts: "true" };
    throw quartetError({ code: Code.Unavailable, reason: "LLM_UNAVAILABLE", message: "no", metadata });
  };
}

/** Two documents with vectors, and one that was refused; nothing is looked for unless somebody says so. */
async function openWithRefused() {
  const gateway = await openInMemory({ QUARTET_INDEX_POLL: "1h" }, { worker: true });
  gateway.inner.index.active = undefined;
  refuseTextsWith(gateway.inner, "금지");
  const documents = ["휴가는 15일입니다.", "금지된 글입니다.", "환불은 14일입니다."].map((text, index) => ({
    id: `문서-${index}`,
    text,
  }));
  await gateway.documents.putDocuments({ documents });
  await until(() => gateway.inner.index.refused.size === 1);
  return gateway;
}

describe("passages that the embedder refuses", () => {
  it("are counted by collection in the status, where it is asked for counters", async () => {
    await using gateway = await openWithRefused();
    const { status } = await gateway.operations.getPlatformStatus({});
    expect(status?.counts).toMatchObject([{ name: "passages_refused", label: "default", count: 1n }]);
    gateway.inner.calls.length = 0;
    await gateway.operations.getPlatformStatus({ readMask: { paths: ["keys"] } });
    expect(gateway.inner.calls).toEqual([]);
  });

  it("are tried again at once when an operator says so, and get their vectors if they are taken now", async () => {
    await using gateway = await openWithRefused();
    refuseTextsWith(gateway.inner, "never");
    expect(await gateway.operations.retryRefusedPassages({})).toMatchObject({ passageCount: 1n });
    await until(() => gateway.inner.index.vectors.get(spaceA)?.size === 3);
    expect((await gateway.operations.getPlatformStatus({})).status?.counts).toEqual([]);
    expect(await gateway.operations.retryRefusedPassages({})).toMatchObject({ passageCount: 0n });
  });

  it("count as refused again if they still are", async () => {
    await using gateway = await openWithRefused();
    gateway.inner.calls.length = 0;
    expect(await gateway.operations.retryRefusedPassages({ collection: "default" })).toMatchObject({
      passageCount: 1n,
    });
    await until(() => gateway.inner.index.refused.size === 1);
    expect(gateway.inner.calls.filter((call) => call === "embed").length).toBeGreaterThan(0);
  });

  it("are looked for in a collection that there is, by its name", async () => {
    await using gateway = await openWithRefused();
    const unknown = await failure(gateway.operations.retryRefusedPassages({ collection: "nowhere" }));
    expect([unknown.code, reasonOf(unknown)]).toEqual([Code.NotFound, "NOT_FOUND"]);
    const wrong = await failure(gateway.operations.retryRefusedPassages({ collection: "No Where" }));
    expect([wrong.code, reasonOf(wrong)]).toEqual([Code.InvalidArgument, "FIELD_INVALID"]);
    expect(gateway.inner.index.refused.size).toBe(1);
  });
});
