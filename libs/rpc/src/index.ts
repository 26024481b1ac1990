export type { Authenticate, EdgeCall } from "./authentication.ts";
export { createClient } from "./create-client.ts";
export type { Client, ResponseStream } from "./create-client.ts";
export type { DeadlineOptions } from "./deadline.ts";
export { toDuration } from "./duration.ts";
export { forward } from "./forward.ts";
export { createRpcServer } from "./grpc/server.ts";
export type { RpcServer, RpcServerOptions } from "./grpc/server.ts";
export { createGrpcTransport } from "./grpc/transport.ts";
export type { ConnectionState, GrpcTransport, GrpcTransportOptions } from "./grpc/transport.ts";
export { guard } from "./guard.ts";
export type { AddService, Handler, Routes } from "./handler.ts";
export { createInMemoryTransport } from "./in-memory-transport.ts";
export type { InMemoryTransportOptions } from "./in-memory-transport.ts";
export { isLoopback } from "./loopback.ts";
export { defaultTenant, principalKey, principalOf, requestIdKey, requestIdOf } from "./principal.ts";
export type { Principal } from "./principal.ts";
export { loopbackNames } from "./one-port/host-names.ts";
export { toMoney } from "./money.ts";
export { createOnePortServer } from "./one-port/server.ts";
export type { OnePortServer, OnePortServerOptions } from "./one-port/server.ts";
export type { ConnectionLimits } from "./one-port/connections.ts";
export type { CorsOptions } from "./one-port/cors.ts";
export type { EndpointCall, EndpointFailure, HttpEndpoint } from "./one-port/endpoint.ts";
export { pathOf } from "./one-port/http.ts";
export type { HttpHandler, HttpRequest, HttpResponse } from "./one-port/http.ts";
export { cacheLevels } from "./service-module.ts";
export type {
  CacheFigures,
  CacheLevelName,
  CacheSelection,
  BudgetFigures,
  CountFigures,
  Figures,
  KeyFigures,
  KeyStateName,
  PoolFigures,
  QueueFigures,
  ServiceModule,
} from "./service-module.ts";
export type { TlsClientOptions, TlsServerOptions } from "./tls.ts";
export { toTokenUsage } from "./token-usage.ts";
