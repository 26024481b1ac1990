import type { AccessStore, AccessToken, Credential } from "../src/domain/access/access-token.ts";
import { formatTokenText, hashSecret, makeTokenText } from "../src/domain/access/secret.ts";
import { unshared } from "../src/domain/indexing/lease.ts";
import type { Stores } from "../src/stores.ts";

type Kept = AccessToken & { readonly tenant: string; readonly secretHash: Uint8Array };

/** The gateway's stores in memory, as far as tests of handlers need them. */
export interface MemoryStores extends Stores {
  readonly tokens: Map<string, Kept>;
  readonly disabled: Set<string>;
  /** IDs that were looked up, in order. */
  readonly lookUps: string[];
  /** What every call fails with, while it is set. */
  failure: Error | undefined;
  /** Adds a token and gives what its holder sends. */
  issue(tenant: string, token: Partial<AccessToken>): string;
}

export function createMemoryStores(): MemoryStores {
  const tokens = new Map<string, Kept>();
  const disabled = new Set<string>();
  const lookUps: string[] = [];
  const work = async <T>(result: () => T): Promise<T> => {
    await new Promise(setImmediate);
    if (stores.failure !== undefined) throw stores.failure;
    return result();
  };
  const access: AccessStore = {
    find(id) {
      lookUps.push(id);
      return work((): Credential | undefined => {
        const kept = tokens.get(id);
        return kept === undefined || kept.revokeTime !== undefined || disabled.has(kept.tenant) ? undefined : kept;
      });
    },
    tenants: () => work(() => [...new Set([...tokens.values()].map(({ tenant }) => tenant))].sort()),
    create: (tenant, token, secretHash) => work(() => void tokens.set(token.id, { ...token, tenant, secretHash })),
    list: (tenant, { after, limit }) =>
      work(() => {
        const order = ({ createTime, id }: Pick<AccessToken, "createTime" | "id">) =>
          `${createTime.toISOString()} ${id}`;
        return [...tokens.values()]
          .filter((token) => token.tenant === tenant && (after === undefined || order(token) < order(after)))
          .sort((one, other) => (order(one) < order(other) ? 1 : -1))
          .slice(0, limit);
      }),
    revoke: (tenant, id) =>
      work(() => {
        const kept = tokens.get(id);
        if (kept?.tenant !== tenant) return undefined;
        const revoked = { ...kept, revokeTime: kept.revokeTime ?? new Date() };
        tokens.set(id, revoked);
        return revoked;
      }),
  };
  const stores: MemoryStores = {
    access,
    lease: unshared,
    tokens,
    disabled,
    lookUps,
    failure: undefined,
    issue(tenant, token) {
      const text = makeTokenText();
      const whole = {
        label: "",
        roles: [],
        createTime: new Date(),
        expireTime: undefined,
        revokeTime: undefined,
        ...token,
      };
      tokens.set(text.id, { ...whole, id: text.id, tenant, secretHash: hashSecret(text.secret) });
      return formatTokenText(text);
    },
    figures: () => [],
    start: async () => undefined,
    stop: async () => undefined,
  };
  return stores;
}
