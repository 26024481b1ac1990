import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { MethodImpl, ServiceImpl } from "@connectrpc/connect";

/**
 * The function behind one rpc: `Handler<typeof EmbeddingService.method.embedTexts>`.
 *
 * It is the same on every host and in memory. It takes the request (an iterable of them if the client streams) and the context, and
 * gives a message's fields (an iterable of them if the server streams). Requests are shared in memory: never change one.
 * `context.signal` goes into everything that waits; it is aborted when the caller leaves, the deadline passes or the process drains.
 */
export type Handler<M extends DescMethod> = MethodImpl<M>;

/** Takes one service with its handlers; rpcs without a handler answer UNIMPLEMENTED. */
export type AddService = <S extends DescService>(service: S, handlers: Partial<ServiceImpl<S>>) => unknown;

/** Hands every service of an application to a host, whichever it is. */
export type Routes = (add: AddService) => void;
