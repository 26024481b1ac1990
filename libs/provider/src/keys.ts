import { createKeyPool, type KeyPool } from "@quartet/key-pool";
import { createMarks, type Redis } from "@quartet/redis";
import { classify } from "./verdict.ts";

export interface ProviderKeysOptions {
  /** May be empty: a server that takes no key still wants the header. */
  readonly apiKeys: readonly { readonly label: string; readonly secret: { reveal(): string } }[];
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** Where replicas tell each other which keys rest. Default: each finds out for itself. */
  readonly redis?: Redis | undefined;
}

/** The keys of a service that asks one model of one provider, as its configuration names them. */
export function createProviderKeys({ apiKeys, baseUrl = "", model, redis }: ProviderKeysOptions): KeyPool {
  const keys = apiKeys.map(({ label, secret }) => ({ label, value: secret.reveal() }));
  return createKeyPool({
    keys: keys.length > 0 ? keys : [{ label: "no-key", value: "none" }],
    classify,
    sharing: redis && { marks: createMarks({ redis, name: "key-rests" }), scope: `${baseUrl} ${model}` },
  });
}
