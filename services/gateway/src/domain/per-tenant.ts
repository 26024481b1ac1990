/** Keeps one thing for each tenant, of so many tenants at most; what was longest not asked for goes first. */
export interface PerTenant<T> {
  get(tenant: string): T;
}

export function createPerTenant<T>(
  make: (tenant: string) => T,
  { maxTenants }: { readonly maxTenants: number },
): PerTenant<T> {
  const kept = new Map<string, T>();
  return {
    get(tenant) {
      const known = kept.get(tenant);
      const value = known ?? make(tenant);
      kept.delete(tenant);
      kept.set(tenant, value);
      if (kept.size > maxTenants) kept.delete(kept.keys().next().value!);
      return value;
    },
  };
}
