import { createRedis } from "@quartet/redis";
import type { ConfigOf, redisVariables, Telemetry } from "@quartet/service";
import { createPostgresLedger } from "./adapters/postgres-ledger.ts";
import { createRedisHoldings } from "./adapters/redis-holdings.ts";
import { openSqliteLedger } from "./adapters/sqlite-ledger.ts";
import { type BudgetConfig, limitsIn } from "./config.ts";
import { createBudgetEvents } from "./budget-events.ts";
import { type Budget, createBudget } from "./domain/budget.ts";
import { isLimited } from "./domain/limits.ts";

/**
 * The budget of a process, as its environment says: the ledger in PostgreSQL or in the data folder, reservations in Redis where there is one.
 * Undefined where neither prices nor limits are set: then nothing is counted.
 *
 * @throws {StartError} where the data folder cannot be used
 */
export function openBudget(
  config: BudgetConfig & ConfigOf<typeof redisVariables>,
  telemetry: Telemetry,
): Budget | undefined {
  const { prices, databaseUrl, dataDir, redisUrl, redisKeyPrefix: keyPrefix, redisTimeoutMs: timeoutMs } = config;
  const { log, metrics } = telemetry;
  const limits = limitsIn(config);
  if (prices.size === 0 && !isLimited(limits)) return undefined;
  const ledger =
    databaseUrl === undefined
      ? openSqliteLedger({ folder: dataDir })
      : createPostgresLedger({ url: databaseUrl.reveal(), log });
  // A connection of its own: what caches write must not stand before a reservation.
  const redis =
    redisUrl !== undefined && isLimited(limits)
      ? createRedis({ url: redisUrl.reveal(), keyPrefix, timeoutMs, name: "budget", log, metrics })
      : undefined;
  const shared = redis && createRedisHoldings({ redis });
  return createBudget({ prices, limits, ledger, shared, events: createBudgetEvents(telemetry, limits) });
}
