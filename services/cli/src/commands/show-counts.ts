import type { CountStats } from "@quartet/client";
import type { Terminal } from "../adapters/terminal.ts";
import { showTable, span } from "../show-table.ts";

const SECTION_SECONDS = "section_seconds";
const PASSAGES_REFUSED = "passages_refused";
const SECTION_CHARACTERS = "section_characters";

/** Sections with their averages, by name; other counters as they are, once they have counted anything. */
export function showCounts(counts: readonly CountStats[], terminal: Terminal): void {
  const sections = counts.filter(({ name }) => name === SECTION_SECONDS);
  const lengthOf = (label: string) =>
    counts.find((count) => count.name === SECTION_CHARACTERS && count.label === label);
  showTable(
    terminal,
    ["section", "written", "average time", "average length"],
    sections.map((seconds) => {
      const length = lengthOf(seconds.label);
      return [
        seconds.label,
        String(seconds.count),
        span(average(seconds)),
        length === undefined ? "" : `${Math.round(average(length))} characters`,
      ];
    }),
  );
  const others = counts.filter(
    ({ name, count }) => name !== SECTION_SECONDS && name !== SECTION_CHARACTERS && count > 0n,
  );
  showTable(
    terminal,
    ["counter", "of", "count", "sum"],
    others.map(({ name, label, count, sum }) => [name, label, String(count), sum === 0 ? "" : String(rounded(sum))]),
  );
  if (others.some(({ name }) => name === PASSAGES_REFUSED)) {
    terminal.note(
      "Keywords alone find passages that the embedder refuses; `quartet reindex --retry-refused` tries them again.",
    );
  }
}

const average = ({ count, sum }: CountStats): number => (count === 0n ? 0 : sum / Number(count));

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
