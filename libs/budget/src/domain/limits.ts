import type { Limits } from "./holdings.ts";

/** What may be spent in a calendar month, in billionths of a dollar; undefined for no limit. */
export interface BudgetLimits {
  /** By all tenants together. */
  readonly platformNanos?: number | undefined;
  /** By each tenant. */
  readonly tenantNanos?: number | undefined;
  /** By tenants that have a limit of their own. */
  readonly exceptions?: ReadonlyMap<string, number> | undefined;
}

/** Those that hold for a tenant. */
export const limitsOf = ({ platformNanos, tenantNanos, exceptions }: BudgetLimits, tenant: string): Limits => ({
  platformNanos,
  tenantNanos: exceptions?.get(tenant) ?? tenantNanos,
});

/** Whether any is set. */
export const isLimited = ({ platformNanos, tenantNanos, exceptions }: BudgetLimits): boolean =>
  platformNanos !== undefined || tenantNanos !== undefined || (exceptions?.size ?? 0) > 0;
