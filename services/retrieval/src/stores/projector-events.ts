import type { Telemetry } from "@quartet/service";
import type { ProjectorEvents } from "../domain/projector.ts";

/** What the projector does, as metrics; and in the log what an operator may have to act on. */
export function createProjectorEvents({ log, metrics }: Telemetry): ProjectorEvents {
  const projected = metrics.counter("quartet_projection_passages_total").with({ outcome: "written" });
  const refused = metrics.counter("quartet_projection_passages_total").with({ outcome: "refused" });
  const failures = metrics.counter("quartet_projection_failures_total").with({});
  return {
    projected: ({ passageCount }) => projected.add(passageCount),
    refused: ({ documentId: _, tenant: __, ...passage }) => {
      refused.add();
      log.error(passage, "Elasticsearch will never take this passage: it is found by its vector alone");
    },
    failed: (error, waitMs) => {
      failures.add();
      log.warn({ err: error, waitMs: Math.round(waitMs) }, "changes wait for the keyword index, and are tried again");
    },
    outdated: (index) =>
      log.warn({ index }, "the keyword index was built by another version; build it anew with `quartet reindex`"),
  };
}
