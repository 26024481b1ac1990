import { Code } from "@connectrpc/connect";
import { quartetError } from "@quartet/errors";
import type { Figures } from "@quartet/rpc";
import type { Advisor } from "../domain/advice.ts";
import type { RebuildParts } from "../domain/rebuild.ts";
import type { StoreGuards } from "../domain/search-legs.ts";
import type { Stores } from "../domain/stores.ts";

/** The stores of a process, with what stands before them: one owner, which opens them and closes them in reverse. */
export interface StoreSet {
  /** The ports. Before `start` and from `close` on, reading one throws UNAVAILABLE (DRAINING). */
  readonly stores: Stores;
  readonly guards: StoreGuards;
  /** How long the oldest change has waited for the keyword index. Never rejects. Absent where that is part of the record. */
  readonly keywordLagMs?: () => number | Promise<number>;
  /** What a keyword index that is an engine of its own is built anew with. Absent where it is part of the record. */
  readonly projection?: RebuildParts;
  /** What makes statements of the database faster. Absent where there is none. */
  readonly advisor?: Advisor;
  /** Resolves when calls may come. Throws StartError where nothing but the operator can help. The signal ends the attempt. */
  start(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  /** As in ServiceModule; absent where the stores are there from `start` on. */
  readonly watchReady?: (listener: (ready: boolean) => void) => () => void;
  readonly figures?: (signal: AbortSignal) => Promise<Figures>;
}

/** The ports of what `opened` gives, read at each call. */
export function portsOf(opened: () => Stores | undefined): Stores {
  const stores = (): Stores => {
    const current = opened();
    if (current !== undefined) return current;
    throw quartetError({
      code: Code.Unavailable,
      reason: "DRAINING",
      message: "The store is not open: the service is starting or going down. Try again in a moment.",
      retryDelayMs: 1_000,
    });
  };
  return {
    get records() {
      return stores().records;
    },
    get keywords() {
      return stores().keywords;
    },
    get vectors() {
      return stores().vectors;
    },
    get installation() {
      return stores().installation;
    },
    get graph() {
      return stores().graph;
    },
    get projection() {
      return stores().projection;
    },
  };
}
