import type { CountFigures } from "@quartet/rpc";
import type { Metrics } from "@quartet/telemetry";
import { AnswererError } from "./domain/answerer-error.ts";
import type { SectionedAnswererOptions } from "./domain/sections/sectioned-answerer.ts";
import { createSectionStatistics } from "./domain/sections/statistics.ts";

export interface SectionFigures extends Required<Pick<SectionedAnswererOptions, "onWritten" | "onFailed">> {
  /** Average time and length are `sum / count`. */
  counts(): CountFigures[];
}

/** What becomes of sections, by name, for the status of the platform and for metrics. */
export function createSectionFigures(known: Iterable<string>, metrics: Metrics): SectionFigures {
  const statistics = createSectionStatistics({ known });
  const duration = metrics.histogram("quartet_generation_section_duration_seconds");
  const characters = metrics.counter("quartet_generation_section_characters_total");
  const failures = metrics.counter("quartet_generation_sections_failed_total");
  return {
    onWritten(section) {
      statistics.add(section);
      const label = { section: statistics.labelOf(section.name) };
      duration.with(label).observe(section.elapsedMs / 1_000);
      characters.with(label).add(section.characters);
    },
    onFailed(name, error) {
      const reason = error instanceof AnswererError ? error.failure : "INTERNAL";
      failures.with({ section: statistics.labelOf(name), reason }).add();
    },
    counts: () =>
      statistics.sums().flatMap(({ name: label, count, seconds, characters: sum }) => [
        { name: "section_seconds", label, count, sum: seconds },
        { name: "section_characters", label, count, sum },
      ]),
  };
}
