/** Sections of one name that were written to their end, since the start. */
export interface SectionSums {
  /** The section's name, or `other` for those beyond the bound. */
  readonly name: string;
  readonly count: number;
  /** From the call to the section's end. */
  readonly seconds: number;
  /** In code points. */
  readonly characters: number;
}

/** Counts sections by name: a bounded number of names, because requests make them up. */
export interface SectionStatistics {
  /** The name that a section is counted under. */
  labelOf(name: string): string;
  add(section: { readonly name: string; readonly characters: number; readonly elapsedMs: number }): void;
  sums(): readonly SectionSums[];
}

const OTHER = "other";

export interface SectionStatisticsOptions {
  /** Names that have a place of their own from the start. */
  readonly known: Iterable<string>;
  /** How many names have one; the first that come, after the known. Default: 64. */
  readonly maxNames?: number;
}

export function createSectionStatistics({ known, maxNames = 64 }: SectionStatisticsOptions): SectionStatistics {
  const names = new Set(known);
  const sums = new Map<string, { count: number; seconds: number; characters: number }>();
  const labelOf = (name: string): string => {
    if (!names.has(name) && names.size < maxNames) names.add(name);
    return names.has(name) ? name : OTHER;
  };
  return {
    labelOf,
    add({ name, characters, elapsedMs }) {
      const label = labelOf(name);
      const { count, seconds, characters: before } = sums.get(label) ?? { count: 0, seconds: 0, characters: 0 };
      sums.set(label, { count: count + 1, seconds: seconds + elapsedMs / 1_000, characters: before + characters });
    },
    sums: () => [...sums].map(([name, sum]) => ({ name, ...sum })),
  };
}
