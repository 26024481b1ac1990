import { lookup } from "node:dns/promises";
import type { Transport } from "@connectrpc/connect";
import { type Replica, replicaAt, type Replicas } from "../hops/replicas.ts";

type Dialled = Transport & { close(): void };

export interface ReplicasByAddressOptions {
  /** By service: `host:port`, several of them with commas between, or `dns:///host:port`, as the gateway is told. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Opens a connection to one process; `serverName` is what its certificate is for. */
  readonly dial: (target: string, serverName: string) => Dialled;
  /** Default: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

interface Kept {
  readonly replica: Replica;
  readonly transport: Dialled;
}

/** A name with more addresses than this is not asked whole. */
const MAX_REPLICAS_PER_SERVICE = 256;

/** Finds every process behind the addresses of the inner services, and keeps a connection to each while it is there. */
export function createReplicasByAddress(options: ReplicasByAddressOptions): Replicas {
  const { addresses, dial, resolve = resolveAll } = options;
  const kept = new Map<string, Kept>();

  const open = (service: string, target: string, serverName: string): string => {
    const key = `${service} ${target}`;
    if (!kept.has(key)) {
      const transport = dial(target, serverName);
      kept.set(key, { transport, replica: replicaAt(service, key, transport) });
    }
    return key;
  };
  const find = async (service: string, address: string): Promise<string[]> => {
    const found = await Promise.all(
      targetsIn(address).map(async ({ host, port }) => {
        const ips = await resolve(host);
        return ips.map((ip) => ({ target: ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`, host }));
      }),
    );
    const all = new Map(found.flat().map(({ target, host }) => [target, host]));
    return [...all].slice(0, MAX_REPLICAS_PER_SERVICE).map(([target, host]) => open(service, target, host));
  };

  return {
    async list(signal) {
      const current = await Promise.all(
        Object.entries(addresses).map(async ([service, address]) => {
          const keys = await find(service, address).catch(() => undefined);
          return { service, keys };
        }),
      );
      signal.throwIfAborted();
      const present = new Set(current.flatMap(({ keys }) => keys ?? []));
      for (const [key, { replica, transport }] of kept) {
        // While a name cannot be resolved, what it stood for may still be there.
        const isUnknown = current.some(({ service, keys }) => service === replica.service && keys === undefined);
        if (present.has(key) || isUnknown) continue;
        transport.close();
        kept.delete(key);
      }
      return current.flatMap(({ service, keys }) => {
        const replicas = (keys ?? []).map((key) => kept.get(key)!.replica);
        return replicas.length > 0 ? replicas : [notFound(service)];
      });
    },
    close() {
      for (const { transport } of kept.values()) transport.close();
      kept.clear();
    },
  };
}

const notFound = (service: string): Replica => ({
  service,
  name: service,
  report: () => Promise.reject(new Error(noAddress)),
  invalidate: () => Promise.reject(new Error(noAddress)),
});

const noAddress = "the service's name stands for no address";

/** Host and port of each target; a gRPC target's scheme and authority do not matter here. */
function targetsIn(address: string): { readonly host: string; readonly port: string }[] {
  return address
    .replace(/^(dns|ipv4|ipv6):(\/\/[^/]*\/)?/, "")
    .split(",")
    .flatMap((each) => {
      const [, bracketed, name, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(each.trim()) ?? [];
      const host = bracketed ?? name;
      return host === undefined || port === undefined ? [] : [{ host, port }];
    });
}

async function resolveAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
