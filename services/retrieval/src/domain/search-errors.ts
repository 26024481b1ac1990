import type { LegOutcome } from "./leg.ts";

/** The request's fusion leaves out every way of searching that its sources have. */
export class NoLegsError extends Error {
  constructor() {
    super("the fusion leaves no leg of any source");
  }
}

/** The query's vector is not as long as the space's are. */
export class QueryVectorError extends Error {
  readonly dimensions: number;
  constructor(dimensions: number) {
    super(`the query's vector needs ${dimensions} components`);
    this.dimensions = dimensions;
  }
}

/** Nothing answered, and at least one leg failed or stood behind an open breaker. */
export class AllSourcesFailedError extends Error {
  readonly legs: readonly LegOutcome[];
  constructor(legs: readonly LegOutcome[]) {
    super("no source could be searched", { cause: legs.find(({ error }) => error !== undefined)?.error });
    this.legs = legs;
  }
}
