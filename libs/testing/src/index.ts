export { fakeVector, providerErrors, startFakeProvider } from "@quartet/fake-provider";
export type {
  FakeBehaviour,
  FakeCut,
  FakeError,
  FakeKey,
  FakeProvider,
  FakeProviderOptions,
  FakeRequest,
} from "@quartet/fake-provider";
export { createAuthority } from "./certificates.ts";
export type { Authority, Certificate } from "./certificates.ts";
export { evaluationSet } from "./evaluation-data.ts";
export { createManualClock } from "./manual-clock.ts";
export type { ManualClock } from "./manual-clock.ts";
export { createPutLedger } from "./put-ledger.ts";
export type { PutLedger } from "./put-ledger.ts";
export { soonestMs } from "./soonest.ts";
export { startFakeReranker } from "./rerank/fake-reranker.ts";
export type { FakeRerankBehaviour, FakeReranker, FakeRerankRequest, FakeRerankResult } from "./rerank/fake-reranker.ts";
export type { TestDatabase, TestPostgres } from "./stores/postgres.ts";
export type { TestElasticsearch, TestIndexPrefix } from "./stores/elasticsearch.ts";
export type { TestKeyPrefix, TestRedis } from "./stores/redis.ts";
export { areStoresRequired, missingStoresText, storesForTests } from "./stores/stores.ts";
export type { FoundStores, StoreName, TestStores } from "./stores/stores.ts";
export { createTcpProxy } from "./tcp-proxy/tcp-proxy.ts";
export type { TcpFault, TcpProxy } from "./tcp-proxy/tcp-proxy.ts";
export { until } from "./until.ts";
