import { type FakeLimit, type FakeProvider, type FaultName, startFakeProvider } from "@quartet/fake-provider";

export type { FakeFigures, FakeProvider, FaultName } from "@quartet/fake-provider";
export { faults, isFaultName } from "@quartet/fake-provider";

/** What the command line says of a fake provider. */
export interface FakeProviderFlags {
  readonly host: string;
  readonly port: number;
  /** Each `value` or `label=value`; none means that any key will do. */
  readonly key: readonly string[];
  readonly model: readonly string[];
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrent?: number;
  /** Whether all keys share these limits. */
  readonly shareLimits: boolean;
  readonly firstTokenDelay?: number;
  readonly tokenDelay?: number;
  readonly jitter?: number;
  readonly tokens?: number;
  readonly dimensions?: number;
  readonly fault: readonly FaultName[];
}

/** A load test may run for days: of its requests so many are remembered, with so many bytes of bodies. */
const LOG = { maxLoggedRequests: 1_000, maxLoggedBytes: 16 * 1024 ** 2 };

/** Starts it. Whoever starts it closes it. */
export async function openFakeProvider(flags: FakeProviderFlags): Promise<FakeProvider> {
  const { host, port, key, model, firstTokenDelay, tokenDelay, jitter, tokens, dimensions, fault } = flags;
  const limit = limitOf(flags);
  const provider = await startFakeProvider(
    {
      ...(key.length > 0 && { keys: Object.fromEntries(key.map(readKey)) }),
      ...(model.length > 0 && { models: model }),
      ...(Object.keys(limit).length > 0 && { limit }),
      ...(firstTokenDelay !== undefined && { firstPieceMs: firstTokenDelay }),
      ...(tokenDelay !== undefined && { pieceMs: tokenDelay }),
      ...(jitter !== undefined && { jitter }),
      ...(tokens !== undefined && { tokens }),
      ...(dimensions !== undefined && { dimensions }),
    },
    { host, port, ...LOG },
  );
  provider.start(...fault);
  return provider;
}

const limitOf = ({ requestsPerMinute, tokensPerMinute, concurrent, shareLimits }: FakeProviderFlags): FakeLimit => ({
  ...(requestsPerMinute !== undefined && { requests: requestsPerMinute }),
  ...(tokensPerMinute !== undefined && { tokens: tokensPerMinute }),
  ...(concurrent !== undefined && { concurrent }),
  ...(shareLimits && { group: "all" }),
});

/** Keys may end with `=` signs, so that what has nothing after its first one is a value. */
function readKey(text: string): [value: string, { label?: string }] {
  const at = text.indexOf("=");
  const value = text.slice(at + 1);
  return at <= 0 || /^=*$/.test(value) ? [text, {}] : [value, { label: text.slice(0, at) }];
}
