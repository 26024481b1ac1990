/** A table of units, the largest first, as `1h` or `64MiB` are written. */
type Units = readonly (readonly [unit: string, size: number])[];

const DURATION: Units = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

const BYTES: Units = [
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
  ["B", 1],
];

/** Reads `500ms`, `30s`, `2m`, `1h` (or `1.5h`) as whole milliseconds; undefined when it is none of them. */
export const parseDurationMs = (text: string): number | undefined => parse(DURATION, text);

/** Reads `4096B`, `64KiB`, `16MiB`, `1GiB` as whole bytes; undefined when it is none of them. */
export const parseBytes = (text: string): number | undefined => parse(BYTES, text);

/** The shortest exact way to write a duration: 90,000 is `90s`, 120,000 is `2m`. */
export const formatDuration = (milliseconds: number): string => format(DURATION, milliseconds);

/** The shortest exact way to write a size: 16,777,216 is `16MiB`. */
export const formatBytes = (bytes: number): string => format(BYTES, bytes);

function parse(units: Units, text: string): number | undefined {
  const [, count, unit] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{1,3})$/.exec(text) ?? [];
  const size = units.find(([name]) => name === unit)?.[1];
  if (count === undefined || size === undefined) return undefined;
  const total = Number(count) * size;
  return Number.isSafeInteger(total) ? total : undefined;
}

function format(units: Units, total: number): string {
  const [unit, size] = units.find(([, each]) => total >= each && total % each === 0) ?? units.at(-1)!;
  return `${total / size}${unit}`;
}
