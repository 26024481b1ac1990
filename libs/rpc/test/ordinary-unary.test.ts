import * as http from "node:http";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createMetrics } from "@quartet/telemetry";
import { createOnePortServer } from "../src/index.ts";
import { createEchoHandlers, createProbe } from "./echo.ts";
import { EchoRequestSchema, EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const path = `/${EchoService.typeName}/Echo`;
/** A query string means nothing to an rpc, but makes its request one that is left to Connect's own host. */
const oddPath = `${path}?x=1`;
const maxBytes = 4096;

interface Sent {
  readonly body: string | Buffer;
  readonly headers?: Record<string, string>;
}

const binary = (fields: Parameters<typeof create<typeof EchoRequestSchema>>[1]) =>
  Buffer.from(toBinary(EchoRequestSchema, create(EchoRequestSchema, fields)));
const protobuf = { "content-type": "application/proto" };
const long = JSON.stringify({ text: "가".repeat(600) });

/** Requests that both hosts are to answer alike. */
const requests: Readonly<Record<string, Sent>> = {
  "a message": { body: '{"text":"안녕","big":"9007199254740993"}' },
  "a message in protobuf": { body: binary({ text: "안녕" }), headers: protobuf },
  "a message with its character set": { body: "{}", headers: { "content-type": "Application/JSON; charset=utf-8" } },
  "a version of the protocol": { body: "{}", headers: { "connect-protocol-version": "1" } },
  "an encoding that is none": { body: "{}", headers: { "content-encoding": "identity" } },
  "a deadline": { body: "{}", headers: { "connect-timeout-ms": "10000" } },
  "a deadline that is none": { body: "{}", headers: { "connect-timeout-ms": "soon" } },
  "a reader of gzip": { body: long, headers: { "accept-encoding": "deflate, gzip, br" } },
  "a reader of brotli": { body: long, headers: { "accept-encoding": "br" } },
  "a reader of something else": { body: long, headers: { "accept-encoding": "zstd" } },
  "a short text to a reader of gzip": { body: "{}", headers: { "accept-encoding": "gzip" } },
  "a packed message": { body: gzipSync('{"text":"가"}'), headers: { "content-encoding": "gzip" } },
  "an unknown packing": { body: "{}", headers: { "content-encoding": "rot13" } },
  "an unknown type": { body: "{}", headers: { "content-type": "text/plain" } },
  "an error of the contract": { body: '{"behaviour":"throw quartet"}' },
  "an error with headers": { body: '{"behaviour":"throw connect"}' },
  "an error to a reader of gzip": { body: '{"behaviour":"throw long"}', headers: { "accept-encoding": "gzip" } },
  "a defect": { body: '{"behaviour":"throw plain"}' },
  "no JSON": { body: "{" },
  "an empty body": { body: "" },
  "an unknown field": { body: '{"txet":"가"}' },
  "a byte order mark": { body: '\ufeff{"text":"가"}' },
  "broken UTF-8": { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) },
  "no protobuf": { body: Buffer.from([0xff, 0xff]), headers: protobuf },
  "no bytes of protobuf": { body: Buffer.alloc(0), headers: protobuf },
};

describe("an ordinary unary call", () => {
  const probe = createProbe();
  const metrics = createMetrics({ component: "test", processMetrics: false });
  const server = createOnePortServer({ readMaxBytes: maxBytes, writeMaxBytes: maxBytes, metrics }).add(
    EchoService,
    createEchoHandlers(probe),
  );
  let port: number;
  beforeAll(async () => void ({ port } = await server.listen({ port: 0 })));
  afterAll(() => server.drain({ limitMs: 500 }));

  const send = (to: string, { body, headers = {} }: Sent) =>
    new Promise<Answer>((resolve, reject) => {
      const options = { port, path: to, method: "POST", headers: { "content-type": "application/json", ...headers } };
      const request = http.request({ ...options, agent: false }, (response) => {
        response.toArray().then((parts) => resolve(answerOf(response, Buffer.concat(parts as Buffer[]))), reject);
      });
      request.once("error", reject);
      request.end(body);
    });

  it.each(Object.entries(requests))("with %s is answered as by Connect's own host", async (_name, sent) => {
    const [ours, theirs] = [await send(path, sent), await send(oddPath, sent)];
    expect(ours).toEqual(theirs);
  });

  it("that has no time left is answered alike, whether its handler had begun or not", async () => {
    const sent = { body: '{"behaviour":"park"}', headers: { "connect-timeout-ms": "0" } };
    const [ours, theirs] = [await send(path, sent), await send(oddPath, sent)];
    expect([ours.status, ours.body]).toEqual([theirs.status, theirs.body]);
    expect(ours.status).toBe(504);
  });

  it.each(["json", "proto"])(
    "over the limit in %s is refused before it is read to its end, and so is its answer",
    async (type) => {
      const headers = { "content-type": `application/${type}` };
      const text = "x".repeat(maxBytes);
      const request = type === "json" ? JSON.stringify({ text }) : binary({ text });
      const chunked = { ...headers, "transfer-encoding": "chunked" };
      for (const sent of [
        { headers, body: request },
        { headers: chunked, body: request },
      ]) {
        const { status, body } = await send(path, sent);
        expect([status, body]).toEqual([429, expect.stringContaining("MESSAGE_TOO_LARGE")]);
      }
      const large = { behaviour: "large", count: maxBytes };
      const asked = { headers, body: type === "json" ? JSON.stringify(large) : binary(large) };
      const { status, body } = await send(path, asked);
      expect([status, body]).toEqual([429, expect.stringContaining("MESSAGE_TOO_LARGE")]);
    },
  );

  it("that is refused before its chain begins is counted as refused", async () => {
    await send(path, { body: "{" });
    const { text } = await metrics.exposition();
    expect(text).toMatch(/quartet_rpc_server_refused_total\{.*method="Echo".*code="invalid_argument".*\} [1-9]/);
  });

  it("whose caller leaves amid the body reaches no handler", async () => {
    const before = probe.calls.length;
    const request = http.request({ port, path, method: "POST", headers: { "content-type": "application/json" } });
    request.on("error", () => undefined);
    request.write("{");
    await new Promise((resolve) => setTimeout(resolve, 50));
    request.destroy();
    await send(path, { body: "{}" });
    expect(probe.calls.length).toBe(before + 1);
  });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Without what differs from one answer to the next. */
function answerOf({ statusCode: status, headers: all }: http.IncomingMessage, bytes: Buffer): Answer {
  const { date: _date, "x-request-id": requestId, "transfer-encoding": _chunked, ...headers } = all;
  const encoding = headers["content-encoding"];
  const body = encoding === "gzip" ? gunzipSync(bytes) : encoding === "br" ? brotliDecompressSync(bytes) : bytes;
  return { status, headers: { ...headers, "x-request-id": requestId && "an ID" }, body: body.toString("latin1") };
}
