import { once } from "node:events";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { connect } from "../src/adapters/elasticsearch/connection.ts";
import { createElasticsearch, type ElasticsearchStore } from "../src/adapters/elasticsearch/open.ts";
import { writeChanges } from "../src/adapters/elasticsearch/write-changes.ts";
import type { DocumentChange } from "../src/domain/outbox.ts";
import { IndexMissingError, ProjectionBusyError } from "../src/domain/projection.ts";
import { StoreTimeoutError, StoreUnavailableError } from "../src/domain/store-errors.ts";
import { never } from "./contract/subject.ts";
import { type Answer, type FakeRequest, json, startFakeElasticsearch } from "./fakes/elasticsearch-server.ts";

type Fake = Awaited<ReturnType<typeof startFakeElasticsearch>>;

const shards = { total: 2, successful: 2, failed: 0 };
const hit = { _id: "7", sort: [1.5, "d", 0] };
const whole = { timed_out: false, _shards: shards, hits: { hits: [hit] } };
const hang: Answer = () => {};

/** Nothing of where Elasticsearch is, or who asks, also not in causes. */
function expectNoSecret(error: unknown, { port }: Fake): void {
  const shown = inspect(error, { depth: Infinity, showHidden: true }).replaceAll(/^ +at .*$/gm, "");
  for (const secret of ["127.0.0.1", String(port), "canary-password", "elastic:"]) expect(shown).not.toContain(secret);
}

describe("Elasticsearch that fails", () => {
  let fake: Fake;
  let store: ElasticsearchStore;
  beforeEach(async () => {
    fake = await startFakeElasticsearch(json(200, whole));
    store = createElasticsearch({ url: fake.url, indexPrefix: "quartet" });
  });
  afterEach(async () => {
    await fake[Symbol.asyncDispose]();
    await store.close();
  });

  const search = (signal = never.signal) =>
    store.keywords.search("t", { text: "사과", collections: ["default"], filter: undefined, limit: 10 }, { signal });
  const failure = async (work: Promise<unknown>): Promise<unknown> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expectNoSecret(error, fake);
    return error;
  };

  it("is asked once, with its user, and answers", async () => {
    expect(await search()).toEqual({ hits: [{ passageId: 7, documentId: "d", ordinal: 0, score: 1.5 }] });
    expect(fake.requests.map(({ path }) => path)).toEqual(["/quartet-passages/_search"]);
  });

  it("is told to give what it has before the time of the call is over", async () => {
    const query = { text: "사과", collections: ["default"], filter: undefined, limit: 10 };
    await store.keywords.search("t", query, never);
    await store.keywords.search("t", query, { ...never, timeoutMs: 400 });
    await store.keywords.search("t", query, { ...never, timeoutMs: 60_000 });
    expect(fake.requests.map(({ body }) => (JSON.parse(body) as { timeout: string }).timeout)).toEqual([
      "1500ms",
      "300ms",
      "1500ms",
    ]);
  });

  it("hangs: the call ends with the caller's reason, and the request with it", async () => {
    const closed = Promise.withResolvers<void>();
    fake.answerWith((_, response) => void once(response, "close").then(() => closed.resolve()));
    const leaving = new AbortController();
    const found = search(leaving.signal);
    const arrived = async () => {
      while (fake.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await arrived();
    leaving.abort(new Error("left"));
    await expect(found).rejects.toThrow("left");
    await closed.promise;
  });

  it("hangs: the call's own limit never touches the signal that it was given, which other legs listen to", async () => {
    fake.answerWith(hang);
    const connection = connect({ url: fake.url });
    const shared = new AbortController();
    let heard = false;
    shared.signal.addEventListener("abort", () => (heard = true));
    const call = connection.call((client, options) => client.info({}, options), {
      signal: shared.signal,
      timeoutMs: 30,
    });
    expect(await failure(call)).toBeInstanceOf(StoreTimeoutError);
    expect([heard, shared.signal.aborted]).toEqual([false, false]);
    await connection.close();
  });

  it.each([
    ["ran out of time", { ...whole, timed_out: true }],
    ["lost a shard", { ...whole, _shards: { total: 2, successful: 1, failed: 1 } }],
  ])("gives a part and says so when it %s", async (_, answer) => {
    fake.answerWith(json(200, answer));
    expect(await search()).toMatchObject({ hits: [{ passageId: 7 }], partial: "PARTIAL_SHARDS" });
  });

  it("gives nothing when no shard answered, which is no empty result", async () => {
    fake.answerWith(json(200, { ...whole, hits: { hits: [] }, _shards: { total: 2, successful: 0, failed: 2 } }));
    expect(await failure(search())).toBeInstanceOf(StoreUnavailableError);
  });

  it.each([
    ["429, too many requests", 429, "es_rejected_execution_exception"],
    ["503, a red index", 503, "search_phase_execution_exception"],
    ["502 of a proxy", 502, undefined],
    ["401", 401, "security_exception"],
  ])("%s: once, no second attempt", async (_, status, type) => {
    fake.answerWith(json(status, { error: { type, reason: "at node 127.0.0.1" } }));
    expect(await failure(search())).toBeInstanceOf(StoreUnavailableError);
    expect(fake.requests).toHaveLength(1);
  });

  it("an index that is missing is no empty result", async () => {
    fake.answerWith(json(404, { error: { type: "index_not_found_exception" } }));
    expect(await failure(search())).toBeInstanceOf(IndexMissingError);
  });

  it("200 MB: what is too long is not read", async () => {
    let sent = 0;
    fake.answerWith((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const chunk = Buffer.alloc(64 * 1024, " ");
      const more = () => {
        while (sent < 200 * 1024 ** 2 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    expect(await failure(search())).toBeInstanceOf(StoreUnavailableError);
    expect(sent).toBeLessThan(64 * 1024 ** 2);
  });

  it.each([
    ["garbage", "application/json", '{"hits": {"hits": ['],
    ["a page of a proxy", "text/html", "<html>welcome</html>"],
    ["JSON of something else", "application/json", '{"hello": "world"}'],
    ["hits that are none", "application/json", JSON.stringify({ ...whole, hits: { hits: [{ _id: "x" }] } })],
  ])("%s is an error", async (_, type, body) => {
    fake.answerWith((__, response) => response.writeHead(200, { "content-type": type }).end(body));
    expect(await failure(search())).toBeInstanceOf(StoreUnavailableError);
  });

  it("something else on the port is an error", async () => {
    fake.answerWith((_, response) => {
      response.removeHeader("x-elastic-product");
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(whole));
    });
    expect(await failure(search())).toBeInstanceOf(StoreUnavailableError);
  });

  it("a cut connection, and nobody on the port", async () => {
    fake.answerWith((_, response) => response.socket?.destroy());
    expect(await failure(search())).toBeInstanceOf(StoreUnavailableError);
    await fake[Symbol.asyncDispose]();
    expect(await failure(search())).toBeInstanceOf(StoreUnavailableError);
  });

  describe("while it is written", () => {
    const change = (passageIds: readonly number[], text = "글"): DocumentChange => ({
      tenant: "t",
      documentId: "d",
      seq: 3,
      removedPassageIds: [],
      current: {
        document: {
          ...{ id: "d", collection: "default", title: "", mediaType: "text/plain", language: "ko", uri: "", tags: [] },
          ...{ taxonomyPath: "", metadata: {}, createTimeMs: 0, updateTimeMs: 0, version: 1 },
        },
        passages: passageIds.map((id) => ({ id, ordinal: 0, startOffset: 0, endOffset: 1, text, headings: [] })),
      },
    });
    const actionsOf = ({ body }: FakeRequest) =>
      body
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, { _id?: string }>)
        .flatMap((line) => {
          const [action] = Object.keys(line).filter((key) => key === "index" || key === "delete");
          return action === undefined ? [] : [`${action} ${line[action]!._id}`];
        });
    /** Answers each operation with what `say` says of it. */
    const items =
      (say: (action: string, attempt: number) => { status: number; type?: string }): Answer =>
      (request, response) => {
        const answers = actionsOf(request).map((action) => {
          const { status, type } = say(action, fake.requests.length);
          return { [action.split(" ")[0]!]: { status, ...(type && { error: { type } }) } };
        });
        json(200, { errors: true, items: answers })(request, response);
      };
    const write = async (changes: readonly DocumentChange[], maxAttempts = 3) => {
      const connection = connect({ url: fake.url });
      try {
        return await writeChanges(["new"], changes, { connection, signal: never.signal, maxAttempts, baseMs: 1 });
      } finally {
        await connection.close();
      }
    };

    it("what it had no room for is written again, and nothing else", async () => {
      fake.answerWith(items((action, attempt) => ({ status: action === "index 2" && attempt < 3 ? 429 : 201 })));
      expect(await write([change([1, 2, 3])])).toEqual({ passageCount: 3, refused: [] });
      expect(fake.requests.map(actionsOf)).toEqual([["index 1", "index 2", "index 3"], ["index 2"], ["index 2"]]);
    });

    it("asks for less for ever: the writer gives up and says why", async () => {
      fake.answerWith(json(429, { error: { type: "circuit_breaking_exception" } }));
      expect(await failure(write([change([1])]))).toBeInstanceOf(ProjectionBusyError);
      expect(fake.requests).toHaveLength(3);
    });

    it("a passage that it will never take is removed and told, and holds up no other", async () => {
      fake.answerWith(
        items((action) =>
          action === "index 2" ? { status: 400, type: "document_parsing_exception" } : { status: 201 },
        ),
      );
      const refused = { tenant: "t", documentId: "d", passageId: 2, reason: "document_parsing_exception" };
      expect(await write([change([1, 2, 3])])).toEqual({ passageCount: 3, refused: [refused] });
      expect(fake.requests.map(actionsOf).at(-1)).toEqual(["delete 2"]);
    });

    it("an index made by another version is a failure of the index, not of every passage", async () => {
      fake.answerWith(items(() => ({ status: 400, type: "strict_dynamic_mapping_exception" })));
      expect(await failure(write([change([1])]))).toBeInstanceOf(StoreUnavailableError);
    });

    it("an index that is gone is told", async () => {
      fake.answerWith(items(() => ({ status: 404, type: "index_not_found_exception" })));
      expect(await failure(write([change([1])]))).toBeInstanceOf(IndexMissingError);
    });

    it("too much at once is halved until it fits, and what does not fit alone is refused", async () => {
      fake.answerWith((request, response) => {
        const answer = request.body.length > 2_000 ? json(413, {}) : items(() => ({ status: 201 }));
        answer(request, response);
      });
      const { refused } = await write([change([1, 2, 3, 4]), change([5], "긴 글 ".repeat(2_000))]);
      expect(refused).toEqual([{ tenant: "t", documentId: "d", passageId: 5, reason: "too large" }]);
      expect(fake.requests.map(actionsOf).at(-1)).toEqual(["delete 5"]);
    });
  });
});
