import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openOnPort } from "./open-gateway.ts";

const secret = "아무도보면안되는말";
const answer = "/api/v1/answer";
const search = "/api/v1/search";
const documents = "/quartet.gateway.v1.DocumentService";
const filter = (condition: object) => ({ query: secret, options: { filter: condition } });
const withSections = (...sections: object[]) => ({ question: secret, sections });

/** What is refused, with the field that the refusal names; JSON as a script would send it. */
const table: readonly [name: string, path: string, body: unknown, field: string][] = [
  ["no question", answer, {}, "question"],
  ["an empty question", answer, { question: "" }, "question"],
  ["a question of spaces", answer, { question: "  \t\n" }, "question"],
  ["a question of ideographic spaces", answer, { question: "\u3000\u3000" }, "question"],
  ["a question of a megabyte", answer, { question: secret.repeat(120_000) }, "question"],
  ["NUL in a question", answer, { question: `${secret}\0` }, "question"],
  ["half a surrogate pair", answer, `{"question":"${secret}\\ud83d"}`, "question"],
  ["the other half", search, `{"query":"\\ude00${secret}"}`, "query"],
  ["a number for a question", answer, { question: 7 }, "question"],
  ["a list for a question", answer, { question: [secret] }, "question"],
  ["two sections of one name", answer, withSections({ name: "risks" }, { name: "risks" }), "sections"],
  [
    "nine sections",
    answer,
    withSections(...Array.from({ length: 9 }, (_, index) => ({ name: `s${index}` }))),
    "sections",
  ],
  ["a section without a name", answer, withSections({ instruction: secret }), "sections[0].name"],
  ["a section with a name of letters no label takes", answer, withSections({ name: "요약" }), "sections[0].name"],
  [
    "a section with a long name",
    answer,
    withSections({ name: "summary" }, { name: "s".repeat(33) }),
    "sections[1].name",
  ],
  ["NUL in an instruction", answer, withSections({ name: "s", instruction: "\0" }), "sections[0].instruction"],
  [
    "a long instruction",
    answer,
    withSections({ name: "s", instruction: "가".repeat(2_001) }),
    "sections[0].instruction",
  ],
  [
    "more tokens than any model writes",
    answer,
    withSections({ name: "s", maxTokenCount: 1e9 }),
    "sections[0].max_token_count",
  ],
  ["a temperature of 99", answer, { question: secret, modelOptions: { temperature: 99 } }, "model_options.temperature"],
  ["a negative page size", search, { query: secret, pageSize: -1 }, "page_size"],
  ["a page size of 2^31", search, { query: secret, pageSize: 2 ** 31 }, "page_size"],
  ["a page size of 2^31 - 1", search, { query: secret, pageSize: 2 ** 31 - 1 }, "page_size"],
  ["a page size that is none", search, { query: secret, pageSize: "many" }, "page_size"],
  ["a page size with a fraction", search, { query: secret, pageSize: 1.5 }, "page_size"],
  ["a filter of nothing", search, filter({}), "options.filter.condition"],
  ["a filter of an unknown condition", search, filter({ like: secret }), "like"],
  ["a filter on the tenant", search, filter({ exists: "tenant" }), "options.filter.exists"],
  ["an empty AND", search, filter({ allOf: { filters: [] } }), "options.filter.all_of.filters"],
  ["an unknown fusion", search, { query: secret, options: { fusion: 99 } }, "options.fusion"],
  ["a weight above 1", search, { query: secret, options: { vectorWeight: 1.5 } }, "options.vector_weight"],
  ["no documents", `${documents}/PutDocuments`, { documents: [] }, "documents"],
  [
    "a media type of two lines",
    `${documents}/PutDocuments`,
    { documents: [{ id: "a", text: secret, mediaType: "text/plain\r\nx-evil: 1" }] },
    "documents[0].media_type",
  ],
  ["a document without ID", `${documents}/PutDocuments`, { documents: [{ text: secret }] }, "documents[0].id"],
  [
    "NUL in a document",
    `${documents}/PutDocuments`,
    {
      documents: [
        { id: "a", text: "fine" },
        { id: "b", text: `${secret}\0` },
      ],
    },
    "documents[1].text",
  ],
  ["a negative page of documents", `${documents}/ListDocuments`, { pageSize: -1 }, "page_size"],
  ["no document to get", `${documents}/GetDocument`, {}, "document_id"],
  ["half a surrogate pair in an ID", `${documents}/GetDocument`, '{"documentId":"a\\ud800"}', "document_id"],
  ["nothing to delete", `${documents}/DeleteDocuments`, { documentIds: [] }, "document_ids"],
];

describe("bad input", () => {
  let gateway: Awaited<ReturnType<typeof openOnPort>>;
  beforeAll(async () => {
    gateway = await openOnPort({ QUARTET_INDEX_POLL: "1h" });
    // The worker's first look, so that what comes after it was asked for by a request.
    while (gateway.inner.calls.length < 2) await new Promise(setImmediate);
    gateway.inner.calls.length = 0;
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, contentType = "application/json") =>
    fetch(gateway.url + path, { method: "POST", body, headers: { "content-type": contentType } });

  it.each(table)("%s is refused, and its field is named", async (_, path, body, field) => {
    const response = await post(path, typeof body === "string" ? body : JSON.stringify(body));
    const text = await response.text();
    const { code, details } = JSON.parse(text);
    expect([response.status, code]).toEqual([400, "invalid_argument"]);
    const debug = (type: string) => details.find((each: { type: string }) => each.type === type)?.debug;
    expect(debug("google.rpc.ErrorInfo")).toEqual({ reason: "FIELD_INVALID", domain: "quartet" });
    expect(debug("google.rpc.BadRequest").fieldViolations[0].field).toBe(field);
    expect(text.length).toBeLessThan(2_000);
    expect(text).not.toMatch(/node_modules|\.ts:|\.js:|127\.0\.0\.1|SELECT/);
  });

  it.each([
    ["no JSON", "{", "application/json"],
    ["a list", "[]", "application/json"],
    ["null", "null", "application/json"],
    ["a broken message", new Uint8Array([0x0a, 0xff, 0x01]), "application/proto"],
    ["text that is not UTF-8", new Uint8Array([0x0a, 0x02, 0xc3, 0x28]), "application/proto"],
  ])("%s is refused", async (_, body, contentType) => {
    for (const path of [answer, "/quartet.gateway.v1.SearchService/SearchPassages"]) {
      const response = await post(path, body, contentType);
      expect(response.status).toBe(400);
      const { code, details } = (await response.json()) as { code: string; details: { debug: object }[] };
      expect(code).toBe("invalid_argument");
      expect(details[0]?.debug).toEqual({ reason: "FIELD_INVALID", domain: "quartet" });
    }
  });

  it("reaches no service, and leaves nothing of itself in logs and metrics", async () => {
    expect(gateway.inner.calls).toEqual([]);
    const metrics = await gateway.metricsText();
    expect(metrics).toMatch(/rpc_server_handled_total\{[^}]*code="invalid_argument"[^}]*\} \d/);
    for (const told of [metrics, gateway.logged.join("")]) expect(told).not.toContain(secret);
  });

  it("is counted apart from what is answered, of which nothing is told either", async () => {
    expect((await post(answer, JSON.stringify({ question: secret }))).status).toBe(200);
    expect((await post(search, JSON.stringify({ query: secret }))).status).toBe(200);
    const metrics = await gateway.metricsText();
    expect(metrics).toMatch(/rpc_server_handled_total\{[^}]*method="AnswerQuestion"[^}]*code="ok"[^}]*\} 1/);
    for (const hop of ["embedding", "retrieval", "compression", "generation"]) {
      expect(metrics).toMatch(new RegExp(`hop_settled_total\\{hop="${hop}",outcome="success"[^}]*\\} [1-9]`));
      expect(metrics).toMatch(new RegExp(`hop_breaker_open\\{hop="${hop}"[^}]*\\} 0`));
    }
    for (const told of [metrics, gateway.logged.join("")]) expect(told).not.toContain(secret);
  });
});
