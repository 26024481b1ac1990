export { startClocks } from "./clocks.ts";
export type { Clocks, ClocksOptions } from "./clocks.ts";
export {
  ConnectionError,
  ErrorReply,
  ProtocolError,
  ProviderError,
  ReplyTooLongError,
  StreamBrokenError,
} from "./errors.ts";
export { createProvider } from "./provider.ts";
export type { Provider, ProviderOptions } from "./provider.ts";
export { createProviderClient, OPENAI_URL } from "./provider-client.ts";
export type { CallContext, ProviderClient, ProviderClientOptions } from "./provider-client.ts";
export type { ProviderReply, ReplyJson } from "./reply.ts";
export { readUsage } from "./usage.ts";
export type { ReportedUsage } from "./usage.ts";
export { classify, failureOf } from "./verdict.ts";
export type { ProviderFailure, ProviderFailureKind } from "./verdict.ts";
