import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Code } from "@connectrpc/connect";
import type { Server } from "@grpc/grpc-js";
import { quartetError } from "@quartet/errors";
import { grpcTimeoutHeader, grpcTimeoutMs } from "../timeout-headers.ts";
import { toStatus } from "./status.ts";

/** What grpc-js can count, in 32 bits. The server's own limits, which are far shorter, come after it. */
const maxSeconds = 2_147_483;

type StreamHandler = (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Looks at each call's deadline before grpc-js does, which reads `-1S` as `1S`, makes less than nothing of a thousand hours, and answers INTERNAL to
 * what is no time while the handler runs on. Here that is INVALID_ARGUMENT, and no handler is called.
 */
export function checkTimeouts(server: Server): void {
  const internals = server as unknown as { _streamHandler?: StreamHandler };
  const handle = internals._streamHandler;
  if (handle === undefined) throw new Error("This grpc-js keeps its stream handler elsewhere; see check-timeouts.ts.");
  internals._streamHandler = function (this: unknown, interceptors, stream, headers) {
    const timeoutMs = grpcTimeoutMs(headers[grpcTimeoutHeader]);
    if (Number.isNaN(timeoutMs)) return refuse(stream);
    if (timeoutMs !== undefined && timeoutMs > maxSeconds * 1000) headers[grpcTimeoutHeader] = `${maxSeconds}S`;
    handle.call(this, interceptors, stream, headers);
  };
}

function refuse(stream: ServerHttp2Stream): void {
  // Whoever broke the connection has nobody left to tell.
  stream.on("error", () => undefined);
  if (stream.destroyed) return;
  const { code, details, metadata } = toStatus(noTime());
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": String(code),
      "grpc-message": encodeURI(details),
      ...metadata.toHttp2Headers(),
    },
    { endStream: true },
  );
  // Without an error: what it still sends is of no use.
  stream.resume();
}

const noTime = () =>
  quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: "The header grpc-timeout is no time: up to eight digits and one of H, M, S, m, u and n.",
  });
