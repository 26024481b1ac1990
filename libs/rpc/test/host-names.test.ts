import * as http from "node:http";
import * as http2 from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createOnePortServer, loopbackNames, type OnePortServer } from "../src/index.ts";

describe("the names a server answers to", () => {
  let server: OnePortServer;
  let port: number;
  beforeAll(async () => {
    const fallback = (_request: unknown, response: { end(text: string): unknown }) => void response.end("ours");
    server = createOnePortServer({ hostNames: [loopbackNames, "ask.example.com"], fallback });
    ({ port } = await server.listen({ port: 0 }));
  });
  afterAll(() => server.drain({ limitMs: 1_000 }));

  const overHttp1 = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const request = http.get({ port, host: "127.0.0.1", headers: { host }, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.once("error", reject);
    });

  const overHttp2 = async (authority: string) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const request = session.request({ ":authority": authority, ":path": "/" });
    const status = await new Promise((resolve) => request.once("response", (headers) => resolve(headers[":status"])));
    session.close();
    return status;
  };

  it.each([
    "localhost",
    "LOCALHOST:8080",
    "127.0.0.1:8080",
    "127.1.2.3",
    "[::1]:8080",
    "ask.example.com",
    "Ask.Example.com:443",
  ])("lets %s in", async (host) => {
    expect(await overHttp1(host)).toBe(200);
    expect(await overHttp2(host)).toBe(200);
  });

  it.each(["evil.example.com", "localhost.evil.example.com", "127.0.0.1.evil.example.com", "10.0.0.1"])(
    "refuses %s",
    async (host) => {
      expect(await overHttp1(host)).toBe(421);
      expect(await overHttp2(host)).toBe(421);
    },
  );
});
