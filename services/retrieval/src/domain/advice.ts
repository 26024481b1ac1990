/** A change that makes a statement faster, as it was tried. */
export interface Advice {
  /** With `$1` for its parameters; never values. */
  readonly statement: string;
  readonly proposal: { readonly kind: "index" | "rewrite"; readonly sql: string };
  /** Why it helps, in a sentence or two. */
  readonly explanation: string;
  /** Medians of several runs. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** As EXPLAIN (ANALYZE, BUFFERS) prints them, with `?` for every value. */
  readonly planBefore: string;
  readonly planAfter: string;
  readonly callCount: number;
  /** On disk, of all rows; 0 for a rewrite. */
  readonly indexBytes: number;
  /** The share of the tables' rows that it was tried on, in (0, 1]. */
  readonly sampledRatio: number;
}

/** A slow statement without advice. */
export interface UnadvisedStatement {
  readonly statement: string;
  /** Why not, in a sentence. */
  readonly explanation: string;
  readonly callCount: number;
  readonly meanMs: number;
}

export interface AdviceReport {
  /** Most time saved first. */
  readonly advice: readonly Advice[];
  /** Slowest first. */
  readonly unadvised: readonly UnadvisedStatement[];
  readonly source: "pg_stat_statements" | "service";
}

export interface AdviceRequest {
  /** How many of the slowest statements to look at. */
  readonly statementCount: number;
  /** Whose rows are tried where the login may not see all. */
  readonly tenant: string;
  /** Ends it: what was begun is rolled back. */
  readonly signal: AbortSignal;
  /** What is not looked at by then is named as left out. */
  readonly timeoutMs: number;
}

/** Finds out what would make the slowest statements of a database faster. It leaves the database as it was. */
export interface Advisor {
  /** @throws {AdviceRunningError}, and the errors of stores */
  advise(request: AdviceRequest): Promise<AdviceReport>;
}

/** The database is asked for advice already: two at once would measure each other. */
export class AdviceRunningError extends Error {
  override readonly name = "AdviceRunningError";

  constructor() {
    super("advice is being sought already");
  }
}
