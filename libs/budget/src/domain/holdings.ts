import type { MonthTotals, Totals } from "./ledger.ts";
import type { Scope } from "./budget-error.ts";

/** Money that is set aside for one call; or what calls came to that have ended and are not in the ledger. */
export interface Holding {
  /** Unique everywhere. What is told again of an id replaces what was told before. */
  readonly id: string;
  /** The month it counts in, as `2026-11`: that of its reservation, whenever the call ends. */
  readonly month: string;
  readonly tenant: string;
  readonly nanos: number;
}

/** What one scope may spend in a month; undefined for no limit. */
export interface Limits {
  readonly platformNanos: number | undefined;
  readonly tenantNanos: number | undefined;
}

/** What one scope has spent, as far as known here, and has reserved. */
export interface ScopeSums {
  /** By the ledger, and by calls that ended and that it does not have as yet. */
  readonly spentNanos: number;
  readonly reservedNanos: number;
}

export type Sums = Readonly<Record<Scope, ScopeSums>>;

/** `refused` names the scope that has no room. */
export type Verdict =
  { readonly kind: "held" } | { readonly kind: "refused"; readonly scope: Scope; readonly sums: ScopeSums };

/** What a process that died had reserved is given back after so long. No call lasts longer. */
export const HOLDING_LIFETIME_MS = 65 * 60_000;

/**
 * The rule of all budgets, for one moment and both scopes at once: what was spent, what is reserved and what is asked for together stay
 * within the limit. A limit of 0 lets calls pass that cost nothing.
 */
export function judge(sums: Sums, nanos: number, { platformNanos, tenantNanos }: Limits): Verdict {
  const scopes = [
    ["tenant", tenantNanos],
    ["platform", platformNanos],
  ] as const;
  for (const [scope, limit] of scopes) {
    const { spentNanos, reservedNanos } = sums[scope];
    if (limit !== undefined && nanos > 0 && spentNanos + reservedNanos + nanos > limit)
      return { kind: "refused", scope, sums: sums[scope] };
  }
  return { kind: "held" };
}

/**
 * What replicas hold together. An implementation never throws and holds nobody up for more than moments: where it cannot be asked it says
 * `bypassed`, and what it was told may be lost.
 *
 *     reserve --> reserved --settle--> spent, not in the ledger --recorded--> in the ledger's totals
 *                    '------release, or its lifetime is over--> nothing
 */
export interface SharedHoldings {
  /** One step for both scopes. @param known what the ledger said lately */
  reserve(holding: Holding, given: { readonly limits: Limits; readonly known: Totals }): Promise<Verdict | "bypassed">;
  /** The call has ended; `spent` is the tenant's, with what was spent before it. */
  settle(reservation: Pick<Holding, "id">, spent: Holding): void;
  release(holding: Pick<Holding, "id" | "month">): void;
  /** These are in the ledger now, whose totals are as given. */
  recorded(holdings: readonly Pick<Holding, "id" | "month">[], totals: readonly MonthTotals[]): void;
  sums(month: string, tenant: string, known: Totals): Promise<Sums | "bypassed">;
  close(): Promise<void>;
}
