import * as http2 from "node:http2";
import * as net from "node:net";
import { afterEach, describe, it } from "@jest/globals";
import { createMetrics } from "@quartet/telemetry";
import { createOnePortServer } from "../src/index.ts";
import { createEchoHandlers, createProbe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const path = `/${EchoService.typeName}/Count`;

/** One message of a Connect stream, as JSON: the answer goes on, or says no more after its first messages, until its reader leaves. */
function endless(behaviour: string): Buffer {
  const count = behaviour === "park" ? 3 : 1_000_000;
  const json = Buffer.from(JSON.stringify({ count, text: "x".repeat(1_000), behaviour }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(json.byteLength, 1);
  return Buffer.concat([head, json]);
}

const ask = {
  "HTTP/1.1"(socket: net.Socket, _url: string, body: Buffer) {
    const headers = `host: localhost\r\ncontent-type: application/connect+json\r\ncontent-length: ${body.byteLength}`;
    socket.write(`POST ${path} HTTP/1.1\r\n${headers}\r\n\r\n`);
    socket.write(body);
    socket.resume();
  },
  "HTTP/2"(socket: net.Socket, url: string, body: Buffer) {
    const session = http2.connect(url, { createConnection: () => socket });
    session.on("error", () => undefined);
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/connect+json" });
    stream.on("error", () => undefined).resume();
    stream.end(body);
  },
};

const leave = {
  FIN: (socket: net.Socket) => void socket.destroy(),
  RST: (socket: net.Socket) => void socket.resetAndDestroy(),
};

describe.each(Object.keys(ask) as (keyof typeof ask)[])("a caller over %s whose connection ends", (protocol) => {
  describe.each(Object.keys(leave) as (keyof typeof leave)[])("by %s", (how) => {
    it.each(["write", "park"])(
      "is gone for a handler that is to %s, and is counted as one who left",
      async (behaviour) => {
        const probe = createProbe();
        const metrics = createMetrics({ component: "test", processMetrics: false });
        const server = createOnePortServer({ metrics }).add(EchoService, createEchoHandlers(probe));
        open.push(() => server.drain({ limitMs: 100 }));
        const { port } = await server.listen({ port: 0 });
        const socket = net.connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        open.push(() => void socket.destroy());
        ask[protocol](socket, `http://127.0.0.1:${port}`, endless(behaviour));
        await probe.until(() => probe.calls.length === 1 && probe.made >= 3);
        leave[how](socket);
        await probe.until(() => probe.finished.length === 1);
        const isCounted = async () =>
          /handled_total\{.*method="Count".*code="canceled".*\} 1/.test((await metrics.exposition()).text);
        while (!(await isCounted())) await new Promise((resolve) => setTimeout(resolve, 5));
      },
    );
  });
});
