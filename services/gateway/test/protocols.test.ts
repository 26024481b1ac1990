import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { AnswerQuestionRequestSchema, AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { reasonOf, violationsOf } from "@quartet/errors";
import { createClient } from "@quartet/rpc";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { hang, text } from "./fakes.ts";
import { failure } from "./failure.ts";
import { openOnPort } from "./open-gateway.ts";
import { untilLeavingIsHeardMs } from "./reader-left.ts";
import { ways } from "./ways.ts";

type Gateway = Awaited<ReturnType<typeof openOnPort>>;

const question = "휴가는 며칠입니까?";

describe.each(ways)("the one port, %s", (_, open) => {
  let gateway: Gateway;
  let way: ReturnType<typeof open>;
  beforeAll(async () => {
    gateway = await openOnPort();
    way = open(gateway.url);
  });
  afterAll(async () => {
    way.close();
    await gateway[Symbol.asyncDispose]();
  });

  it("answers, searches and keeps documents", async () => {
    const answers = createClient(AnswerService, way.transport);
    const whole = await answers.answerQuestion({ question });
    expect(whole.text).toBe("14일 [2]");
    let last;
    for await (const { event } of answers.streamAnswerQuestion({ answer: { question } })) last = event;
    expect(last?.case === "answer" && { ...last.value, timings: undefined }).toEqual({ ...whole, timings: undefined });
    const { passages } = await createClient(SearchService, way.transport).searchPassages({ query: question });
    expect(passages[0]?.text).toContain("연차 휴가");
    const documents = createClient(DocumentService, way.transport);
    await documents.putDocuments({ documents: [{ id: "a/b 한", text: "본문" }] });
    expect((await documents.getDocument({ documentId: "a/b 한" })).document?.text).toBe("본문");
    const missing = await failure(documents.getDocument({ documentId: "none" }));
    expect([missing.code, reasonOf(missing)]).toEqual([Code.NotFound, "NOT_FOUND"]);
    expect((await documents.deleteDocuments({ documentIds: ["a/b 한", "none"] })).deletedCount).toBe(1);
  });

  it.each([
    ["an empty question", { question: "" }, "question"],
    ["a blank question", { question: " \n\u3000" }, "question"],
    ["a question of a megabyte", { question: "가".repeat(350_000) }, "question"],
    ["NUL", { question: "a\0b" }, "question"],
    ["a negative count", { question, passageCount: -1 }, "passage_count"],
    ["an absurd budget", { question, maxContextCharCount: 2 ** 31 - 1 }, "max_context_char_count"],
    ["an unset filter", { question, search: { filter: {} } }, "search.filter"],
    [
      "the tenant as a filter field",
      { question, search: { filter: { condition: { case: "exists" as const, value: "tenant_id" } } } },
      "search.filter.exists",
    ],
  ])("refuses %s, naming the field", async (_name, request, field) => {
    const before = gateway.inner.requests.search.length;
    const error = await failure(createClient(AnswerService, way.transport).answerQuestion(request));
    expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "FIELD_INVALID"]);
    expect(violationsOf(error).map((each) => each.field)[0]).toContain(field);
    expect(gateway.inner.requests.search.length).toBe(before);
  });

  it.each([-1, 2 ** 31 - 1])("refuses a page size of %d", async (pageSize) => {
    const search = createClient(SearchService, way.transport);
    const error = await failure(search.searchPassages({ query: question, pageSize }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(violationsOf(error)[0]?.field).toBe("page_size");
  });

  it("is left by a client, and generation hears of it within a second", async () => {
    const generate = async function* () {
      for (;;) {
        yield text("낱말 ");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const tookMs = await untilLeavingIsHeardMs({ inner: gateway.inner, transport: way.transport, generate });
    expect(tookMs).toBeLessThan(1_000);
    delete gateway.inner.behaviour.generate;
  });

  it("ends within a caller's deadline, and says so", async () => {
    gateway.inner.behaviour.search = (_request, { signal }) => hang(signal);
    const began = performance.now();
    const search = createClient(SearchService, way.transport);
    const error = await failure(search.searchPassages({ query: question }, { timeoutMs: 300 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(performance.now() - began).toBeLessThan(1_300);
    delete gateway.inner.behaviour.search;
  });
});

describe("plain HTTP", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await openOnPort({ QUARTET_CORS_ORIGINS: "https://ask.example.com" });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const answerPath = "/quartet.gateway.v1.AnswerService/AnswerQuestion";
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, contentType = "application/json", headers = {}) =>
    fetch(gateway.url + path, { method: "POST", body, headers: { "content-type": contentType, ...headers } });

  it.each([
    ["/api/v1/search", { query: question }, "passages"],
    ["/api/v1/answer", { question }, "citations"],
    [answerPath, { question }, "citations"],
  ])("POST %s takes and gives JSON", async (path, body, field) => {
    const response = await post(path, JSON.stringify(body));
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(response.headers.get("x-request-id")).not.toBeNull();
    expect(await response.json()).toHaveProperty(field);
  });

  it.each([
    ["what is no JSON", answerPath, "{", "application/json"],
    ["a wrong type", answerPath, '{"question": 7}', "application/json"],
    ["a lone surrogate", answerPath, '{"question": "a\\ud800b"}', "application/json"],
    [
      "a lone surrogate inside a filter",
      answerPath,
      '{"question": "a", "search": {"tags": ["\\udc00"]}}',
      "application/json",
    ],
    [
      "an unknown filter condition",
      answerPath,
      '{"question": "a", "search": {"filter": {"like": "x"}}}',
      "application/json",
    ],
    ["bytes that are no message", answerPath, new Uint8Array([0x0a, 0xff, 0x01]), "application/proto"],
    ["text that is not UTF-8", answerPath, new Uint8Array([0x0a, 0x02, 0xc3, 0x28]), "application/proto"],
    ["an empty body at the short path", "/api/v1/answer", "", "application/json"],
  ])("refuses %s with 400 and says no more than it should", async (_name, path, body, contentType) => {
    const response = await post(path, body, contentType);
    const shown = await response.text();
    expect([response.status, JSON.parse(shown).code]).toEqual([400, "invalid_argument"]);
    expect(shown).not.toMatch(/node_modules|at .*\.(ts|js):|protobuf/);
  });

  it("ignores no unknown field silently where it could widen a search", async () => {
    const body = toBinary(AnswerQuestionRequestSchema, create(AnswerQuestionRequestSchema, { question }));
    // search { filter { <field 99> } }: a condition of a newer contract.
    const filtered = new Uint8Array([...body, 0x12, 0x05, 0x0a, 0x03, 0x9a, 0x06, 0x00]);
    const response = await post(answerPath, filtered, "application/proto");
    expect(response.status).toBe(400);
  });

  it("says 404, 405 and 415 where they belong", async () => {
    expect((await fetch(`${gateway.url}/nothing`)).status).toBe(404);
    expect((await fetch(`${gateway.url}/api/v1/answer`)).status).toBe(405);
    expect((await fetch(`${gateway.url}/metrics`, { method: "DELETE" })).status).toBe(405);
    expect((await post("/api/v1/answer", "question=a", "application/x-www-form-urlencoded")).status).toBe(415);
    expect((await post(answerPath, "a", "text/plain")).status).toBe(415);
  });

  it("refuses a message over the limit", async () => {
    const response = await post("/api/v1/answer", JSON.stringify({ question: "a".repeat(5 * 1024 ** 2) }));
    expect([response.status, await response.json()]).toMatchObject([429, { code: "resource_exhausted" }]);
  });

  it("tells whether it lives, is ready, and how it goes", async () => {
    expect(await (await fetch(`${gateway.url}/healthz`)).text()).toBe("ok\n");
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    await post("/api/v1/search", JSON.stringify({ query: question }));
    const metrics = await fetch(`${gateway.url}/metrics`);
    expect(metrics.headers.get("content-type")).toContain("text/plain");
    expect(await metrics.text()).toMatch(/quartet_hop_settled_total\{hop="retrieval",outcome="success".*\} \d/);
  });

  it("lets only the pages of configured origins in", async () => {
    const preflight = (origin: string) =>
      fetch(gateway.url + answerPath, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type,connect-protocol-version",
        },
      });
    const allowed = await preflight("https://ask.example.com");
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://ask.example.com");
    for (const origin of ["https://evil.example", "null", "https://ask.example.com.evil.example"]) {
      const refused = await preflight(origin);
      expect([...refused.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      const called = await post(answerPath, JSON.stringify({ question }), "application/json", { origin });
      expect(called.headers.get("access-control-allow-origin")).toBeNull();
    }
    const called = await post(answerPath, JSON.stringify({ question }), "application/json", {
      origin: "https://ask.example.com",
    });
    const exposed = called.headers.get("access-control-expose-headers")!.toLowerCase().split(/, */);
    expect(exposed).toEqual(
      expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"]),
    );
  });

  it("lets them read errors too, at the short paths as well, and keeps caches from mixing origins up", async () => {
    const origin = "https://ask.example.com";
    for (const path of [answerPath, "/api/v1/answer"]) {
      const preflight = await fetch(gateway.url + path, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      });
      expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, origin]);
      expect(preflight.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("connect-timeout-ms");
      const refused = await post(path, JSON.stringify({ question: "" }), "application/json", { origin });
      expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([400, origin]);
      expect(refused.headers.get("vary")).toContain("origin");
      expect(refused.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });
});
