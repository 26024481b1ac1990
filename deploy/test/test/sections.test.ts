import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { createQuartetClient, FinishReason, type QuartetClient } from "@quartet/client";
import { type FakeProvider, type FakeRequest, startFakeProvider, until } from "@quartet/testing";
import { type Running, startStandalone, temporaryFolder } from "../src/processes.ts";

const key = "sk-canary-1234567890";
const documents = [
  { id: "leave", title: "휴가 규정", text: "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다." },
  { id: "risks", title: "휴가와 보안", text: "휴가 중에 장비를 두고 가면 보안 위험이 있습니다." },
];
const question = "휴가는 며칠이고 어떤 위험이 있습니까?";
const names = ["summary", "risks", "recommendations"];
const sections = [
  { name: "summary" },
  { name: "risks", instruction: "위험만 적으십시오." },
  { name: "recommendations" },
];

const sectionOf = ({ body }: FakeRequest) =>
  /^Section: (.*)$/m.exec(JSON.parse(JSON.stringify(textOf(body))))?.[1] ?? "";
const textOf = (body: unknown) =>
  (body as { messages: { content: string }[] }).messages.map(({ content }) => content).join("\n");
const answer = (request: FakeRequest) => [`${sectionOf(request)}: `, "연차 ", "휴가 [1]", " 끝."];
const wholeOf = (name: string) => `${name}: 연차 휴가 [1] 끝.`;

describe("an answer in sections, from the port to the provider and back", () => {
  let provider: FakeProvider;
  let data: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Running & { readonly url: string };
  let quartet: QuartetClient;

  beforeAll(async () => {
    provider = await startFakeProvider({ keys: { [key]: {} }, answer });
    data = await temporaryFolder();
    server = await startStandalone({
      QUARTET_DATA_DIR: data.path,
      OPENAI_BASE_URL: provider.baseUrl,
      OPENAI_API_KEY: key,
      QUARTET_EMBEDDER: "hashed",
      QUARTET_GENERATION_FALLBACK: "none",
    });
    quartet = createQuartetClient({ baseUrl: server.url });
    await quartet.documents.putDocuments({ documents });
  }, 60_000);
  afterEach(() =>
    provider.set({ keys: { [key]: {} }, answer, pieceMs: undefined, cut: undefined, endless: undefined }),
  );
  afterAll(async () => {
    await server?.stop();
    await provider?.close();
    await data?.[Symbol.asyncDispose]();
  });

  it("is written at once and told as it is written, each section with its end, the whole at last in the order asked for", async () => {
    provider.set({ pieceMs: 20 });
    const before = provider.requests.length;
    const texts: Record<string, string> = {};
    const over: string[] = [];
    let last;
    for await (const { event } of quartet.answers.streamAnswerQuestion({ answer: { question, sections } })) {
      if (event.case === "textDelta")
        texts[event.value.section] = (texts[event.value.section] ?? "") + event.value.text;
      if (event.case === "section") over.push(event.value.name);
      last = event;
    }
    expect(texts).toEqual(Object.fromEntries(names.map((name) => [name, wholeOf(name)])));
    expect([...over].sort()).toEqual([...names].sort());
    if (last?.case !== "answer") throw new Error(`the last event is ${last?.case}`);
    expect(last.value.sections).toMatchObject(
      names.map((name) => ({ name, text: wholeOf(name), finishReason: FinishReason.STOP, usage: { callCount: 1 } })),
    );
    expect(last.value).toMatchObject({
      text: "",
      degradations: [],
      usage: { callCount: 3 },
      citations: [{ number: 1 }],
    });
    const calls = provider.requests.slice(before);
    expect(calls).toHaveLength(3);
    // All had begun before the first was over.
    expect(Math.max(...calls.map(({ at }) => at))).toBeLessThan(Math.min(...calls.map(({ closedAt }) => closedAt!)));
  });

  it("arrives whole from one key that takes one call at a time, and says that it was written in turn", async () => {
    provider.set({ keys: { [key]: { limit: { concurrent: 1 } } }, pieceMs: 20 });
    const whole = await quartet.answers.answerQuestion({ question, sections });
    expect(whole.sections.map(({ text }) => text)).toEqual(names.map(wholeOf));
    expect(whole.degradations.map(({ hop, reason }) => `${hop} ${reason}`)).toEqual(["generation SECTIONS_SERIALIZED"]);
  });

  it("stands where a section breaks off, and says which", async () => {
    provider.next({ cut: { afterPieces: 2, by: "fin" }, pieceMs: 20 });
    const { sections: written, degradations } = await quartet.answers.answerQuestion({ question, sections });
    const failed = written.filter(({ failure }) => failure !== undefined);
    expect(failed).toMatchObject([{ failure: { code: "unavailable", reason: "STREAM_TRUNCATED" } }]);
    expect(written.filter(({ name, text }) => text === wholeOf(name))).toHaveLength(2);
    expect(degradations).toMatchObject([
      { reason: "SECTION_FAILED", message: expect.stringContaining(failed[0]!.name) },
    ]);
  });

  it("closes all of the provider's sockets when its reader leaves", async () => {
    provider.set({ endless: true, pieceMs: 20 });
    const before = provider.requests.length;
    for await (const { event } of quartet.answers.streamAnswerQuestion({ answer: { question, sections } })) {
      if (event.case === "textDelta") break;
    }
    await until(() => provider.requests.slice(before).every(({ closedAt }) => closedAt !== undefined));
  });

  it("is counted in the status, by the names of its sections", async () => {
    const { status } = await quartet.operations.getPlatformStatus({});
    const counted = status!.counts.filter(({ name }) => name === "section_seconds");
    expect(counted.map(({ label }) => label).sort()).toEqual([...names].sort());
    for (const { count, sum } of counted) expect([count >= 2n, sum > 0]).toEqual([true, true]);
  });
});
