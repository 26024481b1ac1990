export { providerErrors } from "./behaviour.ts";
export type { FakeBehaviour, FakeCut, FakeError, FakeKey } from "./behaviour.ts";
export { fakeVector } from "./fake-embeddings.ts";
export { startFakeProvider } from "./fake-provider.ts";
export type { FakeProvider, FakeProviderOptions } from "./fake-provider.ts";
export type { FakeRequest } from "./fake-request.ts";
export { waitUnlessClosed } from "./response.ts";
