import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import type { GraphIndex } from "../domain/graph-index.ts";
import type { Stores } from "../domain/stores.ts";

/** The graph of the stores; throws UNIMPLEMENTED where they have none. */
export function graphOf({ graph }: Stores): GraphIndex {
  if (graph !== undefined) return graph;
  throw quartetError({
    code: Code.Unimplemented,
    reason: "NOT_ENABLED",
    message: "The stores of this server keep no graph.",
  });
}
