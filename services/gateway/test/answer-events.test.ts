import { setTimeout } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { text } from "./fakes.ts";
import { openOnPort } from "./open-gateway.ts";

type Gateway = Awaited<ReturnType<typeof openOnPort>>;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await openOnPort();
});
afterAll(() => gateway[Symbol.asyncDispose]());
afterEach(() => {
  delete gateway.inner.behaviour.generate;
  delete gateway.inner.behaviour.search;
});

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/api/v1/answer`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

interface Event {
  readonly name: string;
  readonly data: Record<string, unknown>;
}

async function eventsOf(response: Response): Promise<Event[]> {
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const blocks = (await response.text()).split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  return blocks.map((block) => {
    const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(block)!;
    return { name: name!, data: JSON.parse(data!) as Event["data"] };
  });
}

const question = { question: "환불은 며칠 걸리나요?" };
/** All of it: how many events it takes is a matter of pace. */
const textIn = (events: readonly Event[], name: string) =>
  events.map((event) => (event.name === name ? event.data["text"] : "")).join("");

describe("an answer as server-sent events", () => {
  it("tells stages, what may be cited, the text, and at last all of it", async () => {
    const response = await post(question, { "x-request-id": "mine-1" });
    expect([response.status, response.headers.get("x-request-id")]).toEqual([200, "mine-1"]);
    expect(response.headers.get("cache-control")).toContain("no-cache");
    const events = await eventsOf(response);
    const names = events.map(({ name }) => name);
    const told = names.filter((name, index) => name !== "stage" && !(name === "answer" && names[index - 1] === name));
    expect(told).toEqual(["citation", "citation", "answer", "end"]);
    expect(names.filter((name) => name === "stage").length).toBeGreaterThanOrEqual(4);
    expect(textIn(events, "answer")).toBe("14일 [2]");
    expect(events.at(-1)!.data).toMatchObject({
      text: "14일 [2]",
      citations: [{ number: 2, documentId: "refunds" }],
      finishReason: "FINISH_REASON_STOP",
    });
  });

  it("has the text of sections under their names, each with its end", async () => {
    gateway.inner.behaviour.generate = async function* ({ sections }) {
      for (const { name } of sections)
        yield { event: { case: "textDelta", value: { section: name, text: `${name}의 ` } } };
      for (const { name } of sections) {
        yield { event: { case: "textDelta", value: { section: name, text: "글 [1]" } } };
        yield { event: { case: "section", value: { name, text: `${name}의 글 [1]`, finishReason: 1 } } };
      }
      yield { event: { case: "end", value: { citations: [{ number: 1 }] } } };
    };
    const sections = [{ name: "summary", instruction: "한 문장" }, { name: "recommendations" }];
    const events = await eventsOf(await post({ ...question, sections }));
    expect(textIn(events, "summary")).toBe("summary의 글 [1]");
    expect(textIn(events, "recommendations")).toBe("recommendations의 글 [1]");
    expect(events.filter(({ name }) => name === "section").map(({ data }) => data["name"])).toEqual([
      "summary",
      "recommendations",
    ]);
    expect(events.at(-1)).toMatchObject({ name: "end", data: { sections: [{ name: "summary" }, {}] } });
    expect(events.at(-1)!.data["text"]).toBeUndefined();
  });

  it("ends with an error where it breaks off, and with nothing after it", async () => {
    gateway.inner.behaviour.generate = async function* () {
      yield text("half");
      throw quartetError({ code: Code.Unavailable, reason: "STREAM_STALLED", message: "It stopped." });
    };
    const events = await eventsOf(await post(question));
    expect(events.at(-1)).toMatchObject({
      name: "error",
      data: { code: "unavailable", message: "It stopped.", details: expect.any(Array) },
    });
    expect(events.some(({ name }) => name === "end")).toBe(false);
    expect(textIn(events, "answer")).toBe("half");
  });

  it.each<[number, unknown, string]>([
    [400, { question: "" }, "question"],
    [400, { question: "q".repeat(2_049) }, "question"],
    [400, { ...question, misspelt: 1 }, "misspelt"],
    [400, { ...question, sections: [{ name: "end" }] }, "sections[0].name"],
    [400, { ...question, sections: [{ name: "Not A Name" }] }, "sections[0].name"],
    [400, { ...question, modelOptions: { temperature: 99 } }, "model_options.temperature"],
    [400, "{", ""],
    [400, "[]", ""],
  ])("is refused as over Connect: %d %j", async (status, body, field) => {
    const response = await post(body);
    expect([response.status, response.headers.get("content-type")]).toEqual([status, "application/json"]);
    const { code, message, details } = (await response.json()) as {
      code: string;
      message: string;
      details: { type: string; debug?: unknown }[];
    };
    expect([code, details[0]!.type]).toEqual(["invalid_argument", "google.rpc.ErrorInfo"]);
    if (field === "") return;
    expect(details[1]).toMatchObject({ type: "google.rpc.BadRequest", debug: { fieldViolations: [{ field }] } });
    // What is for people says the same as what is for programs.
    expect(message.startsWith(`${field}: `)).toBe(true);
  });

  it("is JSON without that accept header, as ever", async () => {
    const response = await post(question, { accept: "application/json" });
    expect(await response.json()).toMatchObject({ text: "14일 [2]" });
    const get = await fetch(`${gateway.url}/api/v1/answer`, { headers: { accept: "text/event-stream" } });
    expect(get.status).toBe(405);
  });

  it("ends what is written for a client who leaves", async () => {
    const left = Promise.withResolvers<void>();
    gateway.inner.behaviour.generate = async function* (_request, { signal }) {
      signal.addEventListener("abort", () => left.resolve(), { once: true });
      for (;;) {
        yield text("on ");
        await setTimeout(5);
      }
    };
    const response = await post(question);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await left.promise;
  });
});
