export { evaluationSet } from "./evaluation-data.ts";
export { createManualClock } from "./manual-clock.ts";
export type { ManualClock } from "./manual-clock.ts";
export { providerErrors } from "./provider/behaviour.ts";
export type { FakeBehaviour, FakeCut, FakeError, FakeKey } from "./provider/behaviour.ts";
export { fakeVector } from "./provider/fake-embeddings.ts";
export { startFakeProvider } from "./provider/fake-provider.ts";
export type { FakeProvider, FakeProviderOptions } from "./provider/fake-provider.ts";
export type { FakeRequest } from "./provider/fake-request.ts";
