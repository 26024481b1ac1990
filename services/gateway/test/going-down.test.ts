import { connect, type Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { reasonOf, retryDelayMsOf } from "@quartet/errors";
import { createClient } from "@quartet/rpc";
import { describe, expect, it } from "@jest/globals";
import { failure } from "./failure.ts";
import { hang, text } from "./fakes.ts";
import { openOnPort } from "./open-gateway.ts";
import { ways } from "./ways.ts";

const question = "휴가는 며칠입니까?";

/** A connection that has said nothing yet when the gateway is told to end. */
async function connectEarly(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

const get = (socket: Socket, path: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.once("close", () => resolve(answer));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  });

describe.each(ways)("the gateway going down, %s", (_, open) => {
  it("lets an answer that has begun come to its end, and takes no new call", async () => {
    await using gateway = await openOnPort();
    const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
    gateway.inner.behaviour.search = async () => {
      await goOn;
      return { passages: [] };
    };
    const { transport, close } = open(gateway.url);
    const answer = createClient(AnswerService, transport).answerQuestion({ question });
    while (!gateway.inner.calls.includes("search")) await new Promise(setImmediate);
    const stopped = gateway.stop();
    const late = open(gateway.url);
    await expect(createClient(SearchService, late.transport).searchPassages({ query: question })).rejects.toThrow();
    release();
    expect((await answer).text).toBe("14일 [2]");
    await stopped;
    close();
    late.close();
  });

  it("ends in time what does not end by itself, and says why", async () => {
    await using gateway = await openOnPort({}, { drainLimitMs: 1_000 });
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    gateway.inner.behaviour.generate = async function* (_request, { signal }) {
      signal.addEventListener("abort", () => finish());
      yield text("반쯤 ");
      await hang(signal);
    };
    const { transport, close } = open(gateway.url);
    let began = 0;
    const read = async () => {
      for await (const { event } of createClient(AnswerService, transport).streamAnswerQuestion({
        answer: { question },
      })) {
        if (event.case !== "textDelta") continue;
        began = performance.now();
        void gateway.stop();
      }
    };
    const error = await failure(read());
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "DRAINING"]);
    expect(retryDelayMsOf(error)).toBeGreaterThan(0);
    await ended;
    await gateway.stop();
    expect(performance.now() - began).toBeLessThan(2_000);
    close();
  });
});

describe("the gateway going down, plain HTTP", () => {
  it("is alive but not ready", async () => {
    await using gateway = await openOnPort({}, { drainLimitMs: 5_000 });
    const early = [await connectEarly(gateway.url), await connectEarly(gateway.url)] as const;
    const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
    gateway.inner.behaviour.search = async () => {
      await goOn;
      return { passages: [] };
    };
    const { transport } = ways[0]![1](gateway.url);
    const search = createClient(SearchService, transport).searchPassages({ query: question });
    while (!gateway.inner.calls.includes("search")) await new Promise(setImmediate);
    const stopped = gateway.stop();
    const ready = await get(early[0], "/readyz");
    expect(ready).toMatch(/^HTTP\/1\.1 503 /);
    expect(ready).toContain("not ready: gateway");
    expect(await get(early[1], "/healthz")).toMatch(/^HTTP\/1\.1 200 /);
    release();
    await search;
    await stopped;
  });
});
