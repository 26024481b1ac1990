import { createModelPools, type KeyPool } from "@quartet/key-pool";
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

/** The keys of a service, as its configuration names them, for one model of a provider and those that chats passed on name. */
export function createProviderKeys({ apiKeys, baseUrl = "", model, redis }: ProviderKeysOptions): KeyPool {
  const keys = apiKeys.map(({ label, secret }) => ({ label, value: secret.reveal() }));
  const marks = redis && createMarks({ redis, name: "key-rests" });
  return createModelPools({
    keys: keys.length > 0 ? keys : [{ label: "no-key", value: "none" }],
    classify,
    model,
    sharingOf: marks && ((asked) => ({ marks, scope: `${baseUrl} ${asked}` })),
  });
}
