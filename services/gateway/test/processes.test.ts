import { Code, type HandlerContext } from "@connectrpc/connect";
import { AnswerService, type AnswerQuestionResponse } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { quartetError, reasonOf, violationsOf } from "@quartet/errors";
import { createClient } from "@quartet/rpc";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { failure } from "./failure.ts";
import { hang, text } from "./fakes.ts";
import { openOnPort } from "./open-gateway.ts";
import { createProcesses } from "./processes.ts";
import { untilLeavingIsHeardMs } from "./reader-left.ts";
import { ways } from "./ways.ts";

const question = "휴가는 며칠입니까?";

const reasons = ({ degradations }: Pick<AnswerQuestionResponse, "degradations">) =>
  degradations.map(({ hop, reason }) => `${hop} ${reason}`);

async function openAll() {
  const processes = createProcesses();
  const gateway = await openOnPort({}, { reach: processes.reach });
  return {
    processes,
    gateway,
    async close() {
      await gateway[Symbol.asyncDispose]();
      await processes[Symbol.asyncDispose]();
    },
  };
}

describe.each(ways)("services of their own processes behind the one port, %s", (_, open) => {
  let all: Awaited<ReturnType<typeof openAll>>;
  let gateway: typeof all.gateway;
  beforeAll(async () => {
    all = await openAll();
    gateway = all.gateway;
  });
  afterAll(() => all.close());
  afterEach(() => {
    delete gateway.inner.behaviour.generate;
    delete gateway.inner.behaviour.search;
  });

  it("answer as in one process", async () => {
    const { transport, close } = open(gateway.url);
    const answers = createClient(AnswerService, transport);
    const whole = await answers.answerQuestion({ question });
    expect([whole.text, whole.degradations]).toEqual(["14일 [2]", []]);
    let last;
    for await (const { event } of answers.streamAnswerQuestion({ answer: { question } })) last = event;
    expect(last?.case === "answer" && { ...last.value, timings: undefined }).toEqual({ ...whole, timings: undefined });
    close();
  });

  it("hear within a second that a caller has left", async () => {
    const { transport, close } = open(gateway.url);
    const generate = async function* (_request: unknown, { signal }: HandlerContext) {
      yield text("첫 낱말 ");
      await hang(signal);
    };
    const tookMs = await untilLeavingIsHeardMs({ inner: gateway.inner, transport, generate });
    expect(tookMs).toBeLessThan(1_000);
    close();
  });

  it("hear of it also while a single response is awaited", async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    gateway.inner.behaviour.search = (_request, { signal }) => {
      signal.addEventListener("abort", () => finish());
      begin();
      return hang(signal);
    };
    const { transport, close } = open(gateway.url);
    const left = new AbortController();
    const search = createClient(SearchService, transport);
    const call = failure(search.searchPassages({ query: question }, { signal: left.signal }));
    await begun;
    left.abort();
    const leftAt = performance.now();
    expect((await call).code).toBe(Code.Canceled);
    await ended;
    expect(performance.now() - leftAt).toBeLessThan(1_000);
    close();
  });
});

describe("a service that is lost", () => {
  let all: Awaited<ReturnType<typeof openAll>>;
  let gateway: typeof all.gateway;
  let processes: typeof all.processes;
  beforeEach(async () => {
    all = await openAll();
    ({ gateway, processes } = all);
  });
  afterEach(() => all.close());

  const open = () => ways[0]![1](gateway.url).transport;
  const readiness = async () => {
    const response = await fetch(`${gateway.url}/readyz`);
    return [response.status, await response.text()];
  };

  it("is named by /readyz, until it is back", async () => {
    expect(await readiness()).toEqual([200, "ready\n"]);
    processes.cut("compression");
    processes.cut("generation");
    expect(await readiness()).toEqual([503, "not ready: compression, generation\n"]);
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    processes.mend("compression");
    processes.mend("generation");
    while ((await readiness())[0] !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
  });

  it("is done without where an answer can be", async () => {
    processes.cut("embedding");
    processes.cut("compression");
    const answer = await createClient(AnswerService, open()).answerQuestion({ question });
    expect(answer.text).toBe("14일 [2]");
    expect(reasons(answer)).toEqual(["embedding UPSTREAM_LOST", "compression PLAIN_CUT"]);
  });

  it("is an error where there is no answer without it, which names no host", async () => {
    processes.cut("retrieval");
    const error = await failure(createClient(AnswerService, open()).answerQuestion({ question }));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "UPSTREAM_LOST"]);
    expect(error.message).not.toMatch(/127\.0\.0\.1|:\d{4}|ECONN|socket/);
    expect(gateway.inner.calls).not.toContain("generate");
    const listed = await failure(createClient(DocumentService, open()).listDocuments({}));
    expect(reasonOf(listed)).toBe("UPSTREAM_LOST");
  });

  it("breaks an answer off with an error, and never as if it were whole", async () => {
    gateway.inner.behaviour.generate = async function* (_request, { signal }) {
      yield text("반쯤 ");
      await hang(signal);
    };
    const texts: string[] = [];
    const read = async () => {
      const stream = createClient(AnswerService, open()).streamAnswerQuestion({ answer: { question } });
      for await (const { event } of stream) {
        if (event.case !== "textDelta") continue;
        texts.push(event.value.text);
        processes.cut("generation");
      }
    };
    const error = await failure(read());
    expect([texts, error.code, reasonOf(error)]).toEqual([["반쯤 "], Code.Unavailable, "UPSTREAM_LOST"]);
  });

  it("that comes back in time is asked again, and nobody notices", async () => {
    gateway.inner.behaviour.search = async () => {
      delete gateway.inner.behaviour.search;
      throw quartetError({ code: Code.Unavailable, reason: "DRAINING", message: "Ask again." });
    };
    const { passages } = await createClient(SearchService, open()).searchPassages({ query: question });
    expect(passages).toHaveLength(2);
    expect(await gateway.metricsText()).toMatch(/hop_retries_total\{hop="retrieval".*\} 1/);
  });

  it("is told apart from one that complains about the request", async () => {
    gateway.inner.behaviour.search = async () => {
      throw quartetError({
        code: Code.InvalidArgument,
        reason: "FILTER_FIELD_UNKNOWN",
        message: "No document has such a field.",
        violations: [{ field: "options.filter.exists", description: "unknown" }],
      });
    };
    const options = { filter: { condition: { case: "exists", value: "colour" } } } as const;
    const search = createClient(SearchService, open()).searchPassages({ query: question, options });
    const error = await failure(search);
    expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "FILTER_FIELD_UNKNOWN"]);
    expect(violationsOf(error)[0]?.field).toBe("options.filter.exists");
  });

  it("that throws says nothing of how", async () => {
    gateway.inner.behaviour.search = async () => {
      throw new Error("SELECT secret FROM passages at /srv/store.ts:1");
    };
    const error = await failure(createClient(SearchService, open()).searchPassages({ query: question }));
    expect(error.code).toBe(Code.Internal);
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/SELECT|secret|store\.ts/);
  });
});
