/**
 * What passing a chat on from process to process costs at the least: HTTP/1.1 comes in at a front, which calls a back over grpc-js, which asks the
 * provider: `bare-hop.ts back http://127.0.0.1:PORT`, `bare-hop.ts front 127.0.0.1:PORT`. Messages are the bytes as they come; as in bare-proxy.ts there
 * is no look inside, nor limits, retries or metrics.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { Agent } from "undici";

const asItIs = (bytes: Buffer) => bytes;
/** One request, and its reply in pieces. */
const method: MethodDefinition<Buffer, Buffer> = {
  path: "/quartet.bench.Hop/PassOn",
  requestStream: false,
  responseStream: true,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
};
const passedHeaders = ["content-type", "content-length"];
const chatPath = "/v1/chat/completions";

async function startBack(origin: string): Promise<number> {
  const agent = new Agent();
  const passOn = async (call: ServerWritableStream<Buffer, Buffer>) => {
    const { statusCode, headers, body } = await agent.request({
      origin,
      path: chatPath,
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer sk-bench" },
      body: call.request,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const head = new Metadata();
    head.set("status", String(statusCode));
    for (const name of passedHeaders) if (headers[name]) head.set(`reply-${name}`, String(headers[name]));
    call.sendMetadata(head);
    // It writes as any stream does; only its type knows nothing but buffers.
    await pipeline(body, call as unknown as Writable);
  };
  const server = new Server();
  server.addService(
    { passOn: method },
    { passOn: (call: ServerWritableStream<Buffer, Buffer>) => void passOn(call).catch((error) => call.destroy(error)) },
  );
  process.once("SIGTERM", () => {
    server.forceShutdown();
    void agent.destroy();
  });
  return await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

async function startFront(target: string): Promise<number> {
  const client = new Client(target, credentials.createInsecure());
  const passOn = async (request: IncomingMessage, response: ServerResponse) => {
    const call = client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      await buffer(request),
    );
    call.once("metadata", (head: Metadata) => {
      response.statusCode = Number(head.get("status")[0]);
      for (const name of passedHeaders) {
        const [value] = head.get(`reply-${name}`);
        if (value !== undefined) response.setHeader(name, String(value));
      }
    });
    await pipeline(call, response);
  };
  const server = createServer((request, response) => {
    passOn(request, response).catch(() => response.destroy());
  });
  process.once("SIGTERM", () => {
    server.close();
    server.closeAllConnections();
    client.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const [role, address = ""] = process.argv.slice(2);
const port = role === "back" ? await startBack(address) : await startFront(address);
console.log(`listening on http://127.0.0.1:${port}`);
