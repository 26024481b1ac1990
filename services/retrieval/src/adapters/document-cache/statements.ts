import type { Collection } from "../../domain/collection.ts";

/** What a kept answer depends on. */
export interface StatementState {
  readonly tenant: string;
  readonly collections: readonly Collection[];
}

/** Which answers are kept, under which state of which collections. */
export interface Statements {
  add(name: string, statement: StatementState): void;
  forget(name: string): void;
  /** Drops the answers of the tenant that are older than these states. */
  saw(tenant: string, collections: readonly Collection[]): void;
}

type Seqs = ReadonlyMap<string, number>;

/** Tenants whose last state is remembered; of another one all answers are looked through once more. */
const maxTenants = 1_000;

export function createStatements({ drop }: { readonly drop: (name: string) => void }): Statements {
  const byTenant = new Map<string, Map<string, Seqs>>();
  const tenantOf = new Map<string, string>();
  const lastSeen = new Map<string, string>();
  const forget = (name: string) => {
    const tenant = tenantOf.get(name);
    tenantOf.delete(name);
    const names = byTenant.get(tenant ?? "");
    names?.delete(name);
    if (names?.size === 0) byTenant.delete(tenant ?? "");
  };
  return {
    add(name, { tenant, collections }) {
      let names = byTenant.get(tenant);
      if (names === undefined) byTenant.set(tenant, (names = new Map()));
      names.set(name, seqsOf(collections));
      tenantOf.set(name, tenant);
    },
    forget,
    saw(tenant, collections) {
      const seqs = seqsOf(collections);
      const text = JSON.stringify([...seqs]);
      if (lastSeen.get(tenant) === text) return;
      lastSeen.delete(tenant);
      lastSeen.set(tenant, text);
      if (lastSeen.size > maxTenants) lastSeen.delete(lastSeen.keys().next().value!);
      const gone = [...(byTenant.get(tenant) ?? [])].filter(([, kept]) =>
        [...kept].some(([collection, seq]) => (seqs.get(collection) ?? seq) > seq),
      );
      for (const [name] of gone) drop(name);
    },
  };
}

const seqsOf = (collections: readonly Collection[]): Seqs =>
  new Map(collections.map(({ state }) => [state.collection, state.recordSeq]));
