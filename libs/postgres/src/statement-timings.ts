/** What is known of one statement, by its text: parameters are `$1`, so equal texts are equal statements. */
export interface ObservedStatement {
  readonly text: string;
  /** The role that it ran as; undefined for the login itself. */
  readonly role: string | undefined;
  readonly callCount: number;
  readonly totalMs: number;
  readonly maxMs: number;
  /** Rows given or changed, in all. */
  readonly rowCount: number;
  /**
   * What its slowest call was given, to run it again with: users' own words. It never leaves the process, neither in logs nor in answers.
   * Undefined where that was more than is kept.
   */
  readonly slowest: StatementValues | undefined;
}

export interface StatementValues {
  readonly values: readonly unknown[];
  readonly tenant: string | undefined;
}

/** One run of a statement. */
export interface StatementRun {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly role: string | undefined;
  readonly tenant: string | undefined;
  readonly elapsedMs: number;
  readonly rowCount: number;
}

export interface StatementTimings {
  add(run: StatementRun): void;
  /** Those that took the most time in all, most first. */
  slowest(limit: number): readonly ObservedStatement[];
}

export interface StatementTimingsOptions {
  /** Statements kept; beyond, the one that took the least time in all is forgotten for a new one. Default 200. */
  readonly maxStatements?: number;
  /** The most that is kept of one call's values, estimated. Default 64 KiB. */
  readonly maxValueBytes?: number;
  /** Longer texts are not counted. Default 16,384. */
  readonly maxTextChars?: number;
}

type Entry = { -readonly [Key in keyof ObservedStatement]: ObservedStatement[Key] };

/** Counts statements and their time as the caller sees it, the way to the server included; those that failed count too. */
export function createStatementTimings({
  maxStatements = 200,
  maxValueBytes = 64 * 1024,
  maxTextChars = 16_384,
}: StatementTimingsOptions = {}): StatementTimings {
  const entries = new Map<string, Entry>();

  const makeRoom = () => {
    if (entries.size < maxStatements) return;
    let least: Entry | undefined;
    for (const entry of entries.values()) if (least === undefined || entry.totalMs < least.totalMs) least = entry;
    if (least !== undefined) entries.delete(least.text);
  };

  return {
    add({ text, values, role, tenant, elapsedMs, rowCount }) {
      if (text.length > maxTextChars) return;
      let entry = entries.get(text);
      if (entry === undefined) {
        makeRoom();
        entry = { text, role, callCount: 0, totalMs: 0, maxMs: -1, rowCount: 0, slowest: undefined };
        entries.set(text, entry);
      }
      entry.callCount += 1;
      entry.totalMs += elapsedMs;
      entry.rowCount += rowCount;
      if (elapsedMs <= entry.maxMs) return;
      entry.maxMs = elapsedMs;
      entry.slowest = bytesOf(values) <= maxValueBytes ? { values, tenant } : undefined;
    },
    slowest: (limit) =>
      [...entries.values()]
        .sort((one, other) => other.totalMs - one.totalMs)
        .slice(0, limit)
        .map((entry) => ({ ...entry })),
  };
}

/** About what a value takes in memory. */
function bytesOf(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + bytesOf(each), 16);
  if (typeof value === "object" && value !== null) return bytesOf(Object.entries(value));
  return 8;
}
