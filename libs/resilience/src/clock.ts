/** A clock that never goes back, in milliseconds; `performance` is one. Wall time jumps, so no rule here looks at it. */
export interface Clock {
  now(): number;
}
