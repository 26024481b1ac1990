import type { Collection } from "./collection.ts";
import { liftSimilar } from "./lift-similar.ts";
import type { RerankedSearch, Reranker } from "./reranker.ts";
import type { Stores } from "./stores.ts";

/** More find hardly more, and every one is compared with every other. */
const maxCandidates = 64;

/**
 * The built-in reranker: what lies close to passages that rank well is lifted (`liftSimilar`), by the vectors that the search itself is made with.
 * It leaves alone what one leg found by itself, as was asked for, and spaces that know only spelling, which the keywords know better.
 */
export function createSimilarityReranker({ stores }: { readonly stores: Pick<Stores, "vectors"> }): Reranker {
  return {
    id: "builtin-1",
    maxCandidates,
    readsTexts: false,
    suits: (search) => comparable(search).length > 0,
    rerank: async (query, options) => {
      const { tenant, vector, candidates } = query;
      const collections = comparable(query);
      if (vector === undefined || collections.length === 0) return candidates;
      const passageIds = candidates.map(({ passageId }) => passageId);
      const asked = { spaceId: vector.spaceId, collections, passageIds };
      return liftSimilar(candidates, await stores.vectors.vectorsOf(tenant, asked, options));
    },
  };
}

/** The collections whose passages have vectors of the question's space, made by a model. */
function comparable({ vector, fusion, collections }: RerankedSearch): readonly string[] {
  if (fusion === "keyword-only" || fusion === "vector-only") return [];
  const has = ({ active }: Collection) => active?.space.id === vector?.spaceId && active?.space.kind === "semantic";
  return collections.filter(has).map(({ state }) => state.collection);
}
