import { afterEach, describe, expect, it } from "@jest/globals";
import { ask, embed, keys, type ProviderService, startProviderService } from "../src/provider-services.ts";

let service: ProviderService;
const errors: unknown[] = [];
afterEach(async () => {
  await service.checkSecrets(errors.splice(0));
  await service.close();
});

const hits = (index: number) => service.provider.requests.filter(({ key }) => key === keys[index]);

describe.each(["generation", "embedding"] as const)("%s with three keys, one limited to 20 calls a minute", (kind) => {
  it.each([
    { atOnce: 1, tells: true },
    { atOnce: 1, tells: false },
    { atOnce: 50, tells: true },
    { atOnce: 50, tells: false },
  ])(
    "answers 300 calls, $atOnce at once, told what is left: $tells",
    async ({ atOnce, tells }) => {
      // What a provider does not tell, it tells as something that nobody can read.
      const silent = { "x-ratelimit-remaining-requests": "", "x-ratelimit-reset-requests": "" };
      service = await startProviderService({
        service: kind,
        provider: {
          keys: {
            [keys[0]]: { limit: { requests: 20, perMs: 3_600_000 }, ...(tells ? {} : { headers: silent }) },
            [keys[1]]: {},
            [keys[2]]: {},
          },
        },
        // Each call of ours is one of the provider's: texts of several are not put together.
        environment: { QUARTET_EMBEDDING_BATCH_WAIT: "0ms", QUARTET_EMBEDDING_BATCH_SIZE: "1" },
      });
      let begun = 0;
      const worker = async () => {
        while (begun < 300) {
          const call = ++begun;
          const { error } =
            kind === "generation" ? await ask(service) : await embed(service, [`${call}번째 글 ${tells}`]);
          if (error !== undefined) errors.push(error);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      expect(errors).toEqual([]);
      const refused = hits(0).filter(({ status }) => status === 429).length;
      expect(hits(0).length - refused).toBe(20);
      // Where nothing is told, those on their way to it when it was refused for the first time come on top: about a third of all that are under
      // way, and as calls do not end in the order in which they began, not exactly.
      expect(refused).toBeLessThanOrEqual(tells || atOnce === 1 ? 2 : atOnce / 2);
      const [second, third] = [hits(1).length, hits(2).length];
      expect(Math.abs(second - third) / Math.max(second, third)).toBeLessThan(0.05);
    },
    120_000,
  );
});
