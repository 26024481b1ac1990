import type { TenantStore } from "./access/access-token.ts";

export interface TenantDirectory {
  /** Every tenant that may have documents, as far as is known; those known before while the store is away. */
  all(signal: AbortSignal): Promise<readonly string[]>;
}

/** @param store none: there is the default tenant alone */
export function createTenantDirectory({
  defaultTenant,
  store,
  failed,
}: {
  readonly defaultTenant: string;
  readonly store: TenantStore | undefined;
  readonly failed: (error: unknown) => void;
}): TenantDirectory {
  let known: readonly string[] = [];
  return {
    async all(signal) {
      try {
        known = (await store?.tenants(signal)) ?? [];
      } catch (error) {
        signal.throwIfAborted();
        failed(error);
      }
      return known.includes(defaultTenant) ? known : [defaultTenant, ...known];
    },
  };
}
