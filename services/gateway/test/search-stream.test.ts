import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import type { StreamSearchPassagesResponse } from "@quartet/contracts/gateway/v1/search_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import type { SearchPassagesRequest } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { quartetError, reasonOf, violationsOf } from "@quartet/errors";
import { createClient } from "@quartet/rpc";
import { failure } from "./failure.ts";
import { hang, passage } from "./fakes.ts";
import { openInMemory, openOnPort } from "./open-gateway.ts";
import { createProcesses } from "./processes.ts";
import { ways } from "./ways.ts";

const query = "휴가";

/** Retrieval with so many passages, whose page token is where the next page starts. */
const pagesOf =
  (count: number, text = (number: number) => `구절 ${number}`) =>
  async ({ pageSize, pageToken }: SearchPassagesRequest) => {
    const from = Number(pageToken || "0");
    const size = Math.min(pageSize, count - from);
    const next = from + size;
    return {
      passages: Array.from({ length: size }, (_, index) => passage(`d${from + index}`, text(from + index), 0)),
      nextPageToken: next < count ? String(next) : "",
    };
  };

const idsOf = (messages: readonly StreamSearchPassagesResponse[]) =>
  messages.flatMap(({ page }) => page!.passages.map(({ documentId }) => documentId));

async function collect(stream: AsyncIterable<StreamSearchPassagesResponse>) {
  const messages: StreamSearchPassagesResponse[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

describe.each(ways)("a stream of a search, %s", (_, open) => {
  let processes: ReturnType<typeof createProcesses>;
  let gateway: Awaited<ReturnType<typeof openOnPort>>;
  let way: ReturnType<typeof open>;
  beforeAll(async () => {
    processes = createProcesses();
    gateway = await openOnPort({}, { reach: processes.reach });
    way = open(gateway.url);
  });
  afterAll(async () => {
    way.close();
    await gateway[Symbol.asyncDispose]();
    await processes[Symbol.asyncDispose]();
  });
  afterEach(() => {
    delete gateway.inner.behaviour.search;
  });
  const client = () => createClient(SearchService, way.transport);

  it("comes page by page, and the last says so", async () => {
    gateway.inner.behaviour.search = pagesOf(250);
    gateway.inner.requests.embed.length = 0;
    const messages = await collect(client().streamSearchPassages({ search: { query, pageSize: 100 } }));
    expect(messages.map(({ page, last }) => [page!.passages.length, last, page!.nextPageToken])).toEqual([
      [100, false, "100"],
      [100, false, "200"],
      [50, true, ""],
    ]);
    expect(new Set(idsOf(messages)).size).toBe(250);
    expect(gateway.inner.requests.embed.filter(({ texts }) => texts.includes(query))).toHaveLength(1);
    const rest = await collect(
      client().streamSearchPassages({ search: { query, pageToken: "200" }, maxPassageCount: 15 }),
    );
    expect(idsOf(rest)).toEqual(Array.from({ length: 15 }, (_each, index) => `d${200 + index}`));
    expect(rest.at(-1)).toMatchObject({ last: true, page: { nextPageToken: "215" } });
  });

  it("waits for its reader", async () => {
    const text = () => randomBytes(48 * 1024).toString("base64");
    gateway.inner.behaviour.search = pagesOf(10_000, text);
    const before = gateway.inner.requests.search.length;
    const stream = client().streamSearchPassages({ search: { query, pageSize: 10 } });
    await stream.next();
    let asked = -1;
    // Until what lies between the two ends is full: then nothing more is asked.
    while (asked !== gateway.inner.requests.search.length) {
      asked = gateway.inner.requests.search.length;
      await sleep(500);
    }
    expect(asked - before).toBeLessThan(100);
    await stream.return();
  });

  it.each(["while a page is searched", "while nothing is asked"])("stops when its reader leaves %s", async (when) => {
    const pages = pagesOf(1_000);
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    gateway.inner.behaviour.search = async (request, { signal }) => {
      if (when === "while nothing is asked" || request.pageToken === "") return pages(request);
      signal.addEventListener("abort", () => end());
      begin();
      return hang(signal);
    };
    const left = new AbortController();
    const stream = client().streamSearchPassages({ search: { query } }, { signal: left.signal });
    await stream.next();
    if (when === "while nothing is asked") {
      await stream.return();
    } else {
      const next = failure(stream.next());
      await begun;
      left.abort();
      expect((await next).code).toBe(Code.Canceled);
      // Rejects when it lasts longer than a second.
      await Promise.race([ended, sleep(1_000).then(() => Promise.reject(new Error("still searched")))]);
    }
    let asked = -1;
    while (asked !== gateway.inner.requests.search.length) {
      asked = gateway.inner.requests.search.length;
      await sleep(200);
    }
    expect(asked).toBeLessThan(1_000);
  });

  it("that fails half-way leaves what came, with the token to go on from there", async () => {
    const pages = pagesOf(50);
    const refused = quartetError({
      code: Code.FailedPrecondition,
      reason: "EMBEDDING_SPACE_MISMATCH",
      message: "Begin anew.",
    });
    gateway.inner.behaviour.search = async (request) => {
      if (request.pageToken === "20") throw refused;
      return pages(request);
    };
    const messages: StreamSearchPassagesResponse[] = [];
    const reading = (async () => {
      for await (const message of client().streamSearchPassages({ search: { query } })) messages.push(message);
    })();
    expect(reasonOf(await failure(reading))).toBe("EMBEDDING_SPACE_MISMATCH");
    expect(messages.map(({ last }) => last)).toEqual([false, false]);
    gateway.inner.behaviour.search = pages;
    const pageToken = messages.at(-1)!.page!.nextPageToken;
    const rest = await collect(client().streamSearchPassages({ search: { query, pageToken } }));
    expect([...idsOf(messages), ...idsOf(rest)]).toEqual(Array.from({ length: 50 }, (_each, index) => `d${index}`));
  });
});

describe("a stream of a search", () => {
  it.each([
    ["no search", {}, "search"],
    ["a blank query", { search: { query: " " } }, "search.query"],
    ["too many passages", { search: { query }, maxPassageCount: 100_001 }, "max_passage_count"],
    ["a negative page", { search: { query, pageSize: -1 } }, "search.page_size"],
  ])("refuses %s, naming the field", async (_name, request, field) => {
    await using gateway = await openInMemory();
    const error = await failure(collect(gateway.search.streamSearchPassages(request)));
    expect([error.code, violationsOf(error).map((each) => each.field)]).toEqual([Code.InvalidArgument, [field]]);
  });

  it("names the field of retrieval's complaint as the caller named it", async () => {
    await using gateway = await openInMemory();
    gateway.inner.behaviour.search = async () => {
      throw quartetError({
        code: Code.InvalidArgument,
        reason: "PAGE_TOKEN_INVALID",
        message: "x",
        violations: [{ field: "page_token", description: "x" }],
      });
    };
    const error = await failure(collect(gateway.search.streamSearchPassages({ search: { query, pageToken: "x" } })));
    expect([reasonOf(error), violationsOf(error)[0]!.field]).toEqual(["PAGE_TOKEN_INVALID", "search.page_token"]);
  });

  it("has places of its own", async () => {
    await using gateway = await openInMemory({ QUARTET_MAX_IN_FLIGHT: "4" });
    gateway.inner.behaviour.search = pagesOf(1_000);
    const first = gateway.search.streamSearchPassages({ search: { query } });
    await first.next();
    const second = await failure(collect(gateway.search.streamSearchPassages({ search: { query } })));
    expect([second.code, reasonOf(second)]).toEqual([Code.ResourceExhausted, "OVERLOADED"]);
    expect((await gateway.search.searchPassages({ query, pageSize: 5 })).passages).toHaveLength(5);
    await first.return();
  });

  it("has the longest time there is, and ends with it", async () => {
    await using gateway = await openInMemory({ QUARTET_DEFAULT_TIMEOUT: "300ms" });
    gateway.inner.behaviour.search = async (request) => {
      await sleep(120);
      return pagesOf(60)(request);
    };
    expect(idsOf(await collect(gateway.search.streamSearchPassages({ search: { query } })))).toHaveLength(60);
    const late = await failure(collect(gateway.search.streamSearchPassages({ search: { query } }, { timeoutMs: 200 })));
    expect(late.code).toBe(Code.DeadlineExceeded);
  });
});
