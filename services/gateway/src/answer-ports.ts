import type { ContextValues } from "@connectrpc/connect";
import { principalKey } from "@quartet/rpc";
import { shortenPassage, type Wire } from "./convert.ts";
import { createPerTenant, type PerTenant } from "./domain/per-tenant.ts";
import type { AnswerPorts } from "./domain/ports.ts";
import { type ActiveSpaces, createQueryEmbedder } from "./domain/query-space.ts";
import { createRefreshed, type Refreshed } from "./domain/refreshed.ts";
import type { Call } from "./domain/stages.ts";
import type { FrequentSearches } from "./frequent-searches.ts";
import type { Hops } from "./hops/hops.ts";
import { listAllCollections, ownCall } from "./hops/indexing.ts";
import { scopeOf } from "./search-scope.ts";
import { sleep } from "./sleep.ts";

const now = (): number => performance.now();

export type SpaceDirectory = PerTenant<Refreshed<ActiveSpaces>>;

/** The spaces that each tenant's collections are searched by: asked once a second at most, whatever the load. */
export function createSpaceDirectory({ index }: Hops): SpaceDirectory {
  const make = (tenant: string) =>
    createRefreshed<ActiveSpaces>({
      load: async () => {
        const call = ownCall(tenant, new AbortController().signal, 1_000);
        return (await listAllCollections(index, call)).map(({ state, activeSpace, activeVectorCount }) => ({
          collection: state?.collection ?? "",
          spaceId: activeSpace?.id,
          vectorCount: Number(activeVectorCount),
        }));
      },
      initial: [],
      freshMs: 1_000,
      staleMs: 9_000,
      now,
    });
  return createPerTenant(make, { maxTenants: 10_000 });
}

const tenantOf = ({ origin }: Call): string => (origin as ContextValues).get(principalKey).tenant;

/** What an answer needs of the services. */
export function createAnswerPorts(hops: Hops, spaces: SpaceDirectory, frequent: FrequentSearches): AnswerPorts<Wire> {
  const embed = createQueryEmbedder({
    spaces: (call) => spaces.get(tenantOf(call)),
    embed: hops.embedding.embedQuery,
    sleep,
    now,
  });
  return {
    embed: (question, options, call) => embed(question, scopeOf(options?.filter), call),
    search: async (query, call) => {
      if (query.pageToken === "") frequent.note(tenantOf(call), query);
      const result = await hops.search.search(query, call);
      if (result.failures.some(({ reason }) => reason === "EMBEDDING_SPACE_MISMATCH")) {
        spaces.get(tenantOf(call)).invalidate();
      }
      return result;
    },
    compress: hops.compression.compress,
    shorten: shortenPassage,
    generate: hops.generation.generate,
  };
}
