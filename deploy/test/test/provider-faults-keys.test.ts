import { afterEach, describe, expect, it } from "@jest/globals";
import { Code } from "@connectrpc/connect";
import { retryDelayMsOf } from "@quartet/errors";
import { providerErrors, until } from "@quartet/testing";
import {
  ask,
  embed,
  keys,
  type ProviderService,
  type ProviderServiceOptions,
  startProviderService,
} from "../src/provider-services.ts";

/** What a provider says about keys and limits, and how it fails before it begins: for both services that ask one. */
type Service = ProviderServiceOptions["service"];

interface Outcome {
  readonly error: unknown;
  readonly code: Code | undefined;
  readonly reason: string | undefined;
}

let service: ProviderService;
const errors: unknown[] = [];
afterEach(async () => {
  await service.checkSecrets(errors.splice(0));
  await service.close();
});

/** Each call of ours is one of the provider's: texts of several are not put together. */
const environment = { QUARTET_EMBEDDING_BATCH_WAIT: "0ms" };
const start = async (options: ProviderServiceOptions) =>
  (service = await startProviderService({ ...options, environment: { ...environment, ...options.environment } }));
let texts = 0;
/** One call; each of other words, so that no cache answers. */
async function call(kind: Service, options: { readonly timeoutMs?: number } = {}): Promise<Outcome> {
  const outcome =
    kind === "generation" ? await ask(service, options) : await embed(service, [`글 ${texts++}`], options);
  if (outcome.error !== undefined) errors.push(outcome.error);
  return outcome;
}
const hits = () => service.provider.requests.map(({ key }) => keys.findIndex((each) => each === key) + 1);
const onFirst = (error: ReturnType<typeof providerErrors.quota>) => ({
  keys: { [keys[0]]: { error }, [keys[1]]: {}, [keys[2]]: {} },
});
const isWell = { error: undefined, code: undefined, reason: undefined };
const openness = (kind: Service) =>
  service.metric(`quartet_hop_breaker_open{hop="${kind === "generation" ? "generation.answers" : "embedding.texts"}"}`);

describe.each<Service>(["generation", "embedding"])("%s", (kind) => {
  it("A1: goes on with another key where one is at its limit, and leaves that one alone as long as told", async () => {
    await start({ service: kind });
    service.provider.next({ error: providerErrors.rateLimit({ retryAfterMs: 1_000 }) });
    expect(await call(kind)).toMatchObject(isWell);
    expect(hits()).toEqual([1, 2]);
    await until(async () => {
      expect(await call(kind)).toMatchObject(isWell);
      return hits().lastIndexOf(1) > 0;
    });
    const [limited, again] = service.provider.requests.filter(({ key }) => key === keys[0]);
    expect(again!.at - limited!.closedAt!).toBeGreaterThanOrEqual(990);
    expect(await openness(kind)).toBe(0);
  });

  it("A2: fails at once where all keys rest for longer than the call may wait", async () => {
    await start({ service: kind, provider: { error: providerErrors.rateLimit({ retryAfterMs: 30_000 }) } });
    const outcome = await call(kind, { timeoutMs: 15_000 });
    expect(outcome).toMatchObject({ code: Code.ResourceExhausted, reason: "LLM_RATE_LIMIT" });
    expect(retryDelayMsOf(outcome.error)).toBeGreaterThan(20_000);
    expect(hits().sort()).toEqual([1, 2, 3]);
    const failedAfter = performance.now() - service.provider.requests.at(-1)!.closedAt!;
    expect(failedAfter).toBeLessThan(10_000);
    // And the next one does not even ask.
    expect(await call(kind)).toMatchObject({ reason: "LLM_RATE_LIMIT" });
    expect(hits()).toHaveLength(3);
    expect(await openness(kind)).toBe(0);
  });

  it("A3: asks a key that is out of quota once, and no more", async () => {
    await start({ service: kind, provider: onFirst(providerErrors.quota()) });
    for (let calls = 0; calls < 5; calls++) expect(await call(kind)).toMatchObject(isWell);
    expect(hits().filter((key) => key === 1)).toHaveLength(1);
    expect(await openness(kind)).toBe(0);
  });

  it("A4: asks a key that is refused once, and no more", async () => {
    await start({ service: kind, provider: onFirst(providerErrors.auth(keys[0])) });
    for (let calls = 0; calls < 5; calls++) expect(await call(kind)).toMatchObject(isWell);
    expect(hits().filter((key) => key === 1)).toHaveLength(1);
    expect(await openness(kind)).toBe(0);
  });

  it.each([
    ["A3", providerErrors.quota(), { code: Code.ResourceExhausted, reason: "LLM_QUOTA" }],
    ["A4", providerErrors.auth(keys[1]), { code: Code.FailedPrecondition, reason: "LLM_AUTH" }],
  ])("%s: says so where it is so of every key", async (_fault, error, expected) => {
    await start({ service: kind, provider: { error } });
    expect(await call(kind)).toMatchObject(expected);
    expect(hits().sort()).toEqual([1, 2, 3]);
    expect(await call(kind)).toMatchObject(expected);
    expect(hits()).toHaveLength(3);
    expect(await openness(kind)).toBe(0);
  });

  it("A5: does not hop from key to key where all share one limit", async () => {
    await start({ service: kind });
    service.provider.start("a5");
    for (let calls = 0; calls < 3; calls++) expect(await call(kind)).toMatchObject(isWell);
    const before = hits().length;
    expect(await call(kind)).toMatchObject({ code: Code.ResourceExhausted, reason: "LLM_RATE_LIMIT" });
    expect(hits().length - before).toBeLessThanOrEqual(keys.length);
  });

  it.each([500, 502, 503, 504] as const)(
    "A6: tries three times where the server fails with %d, and then says so",
    async (status) => {
      await start({ service: kind, provider: { error: providerErrors.server(status) } });
      expect(await call(kind)).toMatchObject({ code: Code.Unavailable, reason: "LLM_UNAVAILABLE" });
      expect(hits().sort()).toEqual([1, 2, 3]);
    },
  );

  it("A6: leaves a provider alone that goes on failing, and lets one call find out when it is well again", async () => {
    await start({ service: kind, provider: { error: providerErrors.server(503) } });
    await until(async () => {
      await call(kind);
      return (await openness(kind)) === 1;
    });
    expect(hits().length).toBeLessThanOrEqual(3 * 12);
    const before = hits().length;
    const refused = await call(kind);
    expect(refused).toMatchObject({ code: Code.Unavailable, reason: "LLM_UNAVAILABLE" });
    const returnsAfterMs = retryDelayMsOf(refused.error)!;
    expect(returnsAfterMs).toBeGreaterThan(0);
    expect(hits()).toHaveLength(before);

    service.provider.set({ error: undefined, delayMs: 2_000 });
    await new Promise((resolve) => setTimeout(resolve, returnsAfterMs + 100));
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => call(kind)));
    expect(outcomes.filter(({ error }) => error === undefined)).toHaveLength(1);
    expect(hits()).toHaveLength(before + 1);
    expect(await openness(kind)).toBe(0);
    expect(await call(kind)).toMatchObject(isWell);
  });

  it("A14: takes a web page for no answer", async () => {
    await start({ service: kind, provider: { html: true } });
    expect(await call(kind)).toMatchObject({ code: Code.Unavailable, reason: "LLM_PROTOCOL" });
    expect(hits()).toHaveLength(1);
  });

  it("A19: uses others first where a key has nothing left, before it is refused", async () => {
    await start({ service: kind });
    service.provider.start("a19");
    for (let calls = 0; calls < 9; calls++) expect(await call(kind)).toMatchObject(isWell);
    expect(hits().filter((key) => key === 1)).toHaveLength(1);
    expect(service.provider.requests.every(({ status }) => status === 200)).toBe(true);
  });

  it("tells its connections, and keeps to as many as it may have", async () => {
    await start({ service: kind, environment: { OPENAI_CONNECTION_POOL_SIZE: "2" }, provider: { delayMs: 1_000 } });
    const calls = Promise.all(Array.from({ length: 5 }, () => call(kind)));
    await until(() => hits().length === 2);
    expect(await service.connections()).toMatchObject({ size: 2, maxSize: 2 });
    await until(async () => (await service.connections())!.waitingCount > 0);
    expect((await calls).map(({ reason }) => reason)).toEqual(Array(5).fill(undefined));
    expect(await service.connections()).toMatchObject({ maxSize: 2, waitingCount: 0 });
  });

  it("is not there at all", async () => {
    await start({ service: kind, environment: { OPENAI_BASE_URL: "http://127.0.0.1:9/v1" } });
    const outcome = await call(kind);
    expect(outcome).toMatchObject({ code: Code.Unavailable, reason: "LLM_UNAVAILABLE" });
    expect(String(outcome.error)).not.toContain("127.0.0.1");
  });
});
