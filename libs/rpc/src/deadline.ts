import type { DescMethod } from "@bufbuild/protobuf";
import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";

/** How long a call may take: what the caller asked for, within what the operator allows. */
export interface DeadlineOptions {
  /** For calls that name no deadline. Default: 30,000. */
  readonly defaultTimeoutMs?: number;
  /** Longer ones are cut to this. Default: 300,000. */
  readonly maxTimeoutMs?: number;
}

export interface Deadlines {
  /** Completes what a caller asked for, in milliseconds; never less than 0, never unbounded. */
  complete(requestedMs: number | undefined, method?: DescMethod): number;
}

/** Calls that take as long as there is much to do, tell how far they have come, and are watched by an operator: the limits are not for them. */
const unhurried: ReadonlySet<DescMethod> = new Set<DescMethod>([
  OperationsService.method.rebuildIndex,
  OperationsService.method.warmCache,
  IndexService.method.rebuildIndex,
]);

/** Streams that go as fast as they are read: without a deadline of their own they get the longest there is. */
const atReadersPace: ReadonlySet<DescMethod> = new Set<DescMethod>([SearchService.method.streamSearchPassages]);

const unhurriedMs = 24 * 60 * 60 * 1000;

export function createDeadlines({ defaultTimeoutMs = 30_000, maxTimeoutMs = 300_000 }: DeadlineOptions): Deadlines {
  return {
    complete(requestedMs, method) {
      const most = method !== undefined && unhurried.has(method) ? unhurriedMs : maxTimeoutMs;
      const isLong = method !== undefined && (unhurried.has(method) || atReadersPace.has(method));
      const without = isLong ? most : defaultTimeoutMs;
      return Math.min(Math.max(0, requestedMs ?? without), most);
    },
  };
}
