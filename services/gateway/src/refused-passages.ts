import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Collection } from "@quartet/contracts/type/v1/collection";
import type { CountStatsSchema } from "@quartet/contracts/type/v1/stats";
import type { Degradation } from "./domain/outcome.ts";
import { reasonFor } from "./domain/stages.ts";
import type { Report } from "./platform-status.ts";

/** Collections that are told of by name; those beyond are told of together. */
const MAX_COLLECTIONS = 100;

/** Passages of which the embedder makes no vector; of two spaces, where more are refused. */
export const refusedCountOf = ({ activeRefusedCount, buildingRefusedCount }: Collection): bigint =>
  activeRefusedCount > buildingRefusedCount ? activeRefusedCount : buildingRefusedCount;

/** How many passages of each collection are refused, as figures of the platform: what an operator may have tried again. */
export async function reportRefused(collections: Promise<readonly Collection[]>): Promise<Report> {
  try {
    return { counts: toCounts(await collections) };
  } catch (error) {
    return { degradations: [{ ...unknown, reason: reasonFor(error) }] };
  }
}

const unknown: Omit<Degradation, "reason"> = {
  hop: "retrieval",
  source: "",
  message: "How many passages the embedder refuses is not known; see whether retrieval runs and can be reached.",
};

function toCounts(collections: readonly Collection[]): MessageInitShape<typeof CountStatsSchema>[] {
  const name = "passages_refused";
  const counts = collections
    .map((collection) => ({ name, label: collection.state?.collection ?? "", count: refusedCountOf(collection) }))
    .filter(({ count }) => count > 0n)
    .sort((one, other) => (one.count > other.count ? -1 : Number(one.count < other.count)));
  const others = counts.splice(MAX_COLLECTIONS).reduce((sum, { count }) => sum + count, 0n);
  return others === 0n ? counts : [...counts, { name, label: "other", count: others }];
}
