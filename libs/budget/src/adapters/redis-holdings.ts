import { defineScript, type Redis, type RedisScript } from "@quartet/redis";
import { HOLDING_LIFETIME_MS, type Limits, type SharedHoldings, type Sums } from "../domain/holdings.ts";
import { createNews } from "./news.ts";
import type { Totals } from "../domain/ledger.ts";

/*
 * For each month two keys, which the month does not outlive by much:
 *     budget:2026-11:ends  sorted set   id -> when its entry ends by itself, by Redis' own clock
 *     budget:2026-11:book  hash         e:ID -> "kind:nanos:tenant", kind r (reserved) or s (spent, not in the ledger)
 *                                       r:TENANT, s:TENANT -> the sum of these, r: and s: -> that of all tenants
 *                                       t:TENANT, t: -> nanos by the ledger
 * Sums are kept rather than made, so that a step costs the same however many calls are under way; they lie in one key with what they are
 * the sum of, so that a server short of memory throws away all of it or nothing. Amounts are below 2^53, where Lua's numbers are exact.
 */

const common = `
local ends, book = KEYS[1], KEYS[2]
local function nowMs()
  local time = redis.call("TIME")
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function add(kind, tenant, nanos)
  if tonumber(nanos) == 0 then return end
  for _, field in ipairs({ kind .. ":", kind .. ":" .. tenant }) do
    if redis.call("HINCRBY", book, field, nanos) == 0 then redis.call("HDEL", book, field) end
  end
end
local function drop(id)
  redis.call("ZREM", ends, id)
  local entry = redis.call("HGET", book, "e:" .. id)
  if not entry then return end
  redis.call("HDEL", book, "e:" .. id)
  local kind, nanos, tenant = string.match(entry, "^(%a):(%d+):(.*)$")
  add(kind, tenant, "-" .. nanos)
end
local function put(kind, id, nanos, tenant, lifetimeMs)
  drop(id)
  redis.call("HSET", book, "e:" .. id, kind .. ":" .. nanos .. ":" .. tenant)
  redis.call("ZADD", ends, nowMs() + lifetimeMs, id)
  add(kind, tenant, nanos)
end
local function keep(ms)
  for _, key in ipairs(KEYS) do redis.call("PEXPIRE", key, ms) end
end
local function sweep()
  for _, id in ipairs(redis.call("ZRANGEBYSCORE", ends, "-inf", nowMs(), "LIMIT", 0, 100)) do drop(id) end
end
local function number(field) return tonumber(redis.call("HGET", book, field) or "0") end
local function spent(tenant, known)
  return math.max(number("t:" .. tenant), tonumber(known)) + number("s:" .. tenant)
end
`;

/** Past the end of any month, so that late calls find their entries. */
const KEEP_MS = 40 * 86_400_000;
/** What was spent and is still not in the ledger after so long was lost with the process that knew it, or was recorded while Redis was away. */
const SETTLED_LIFETIME_MS = 15 * 60_000;

const reserveScript = defineScript(`${common}
local id, nanos, tenant, lifetimeMs, keepMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local asked = { { tenant, ARGV[6], ARGV[7] }, { "", ARGV[8], ARGV[9] } }
sweep()
for which, scope in ipairs(asked) do
  local limit, used, reserved = scope[2], spent(scope[1], scope[3]), number("r:" .. scope[1])
  if limit ~= "" and tonumber(nanos) > 0 and used + reserved + tonumber(nanos) > tonumber(limit) then
    return { which, used, reserved }
  end
end
put("r", id, nanos, tenant, lifetimeMs)
keep(keepMs)
return { 0, 0, 0 }
`);

/**
 * What calls told since the last time, one after the other. ARGV: how long the keys are kept, then of each
 *     spent: "s", the reservation it ends, its own id, nanos, tenant, lifetime
 *     ended: "e", an id
 *     total by the ledger, which only grows: "t", tenant, nanos
 */
const tellScript = defineScript(`${common}
local at = 2
while at <= #ARGV do
  local kind = ARGV[at]
  if kind == "s" then
    drop(ARGV[at + 1])
    put("s", ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    at = at + 6
  elseif kind == "e" then
    drop(ARGV[at + 1])
    at = at + 2
  else
    local field = "t:" .. ARGV[at + 1]
    if tonumber(ARGV[at + 2]) > number(field) then redis.call("HSET", book, field, ARGV[at + 2]) end
    at = at + 3
  end
end
keep(ARGV[1])
return 1
`);

const sumsScript = defineScript(`${common}
sweep()
local tenant = ARGV[1]
return { spent(tenant, ARGV[2]), number("r:" .. tenant), spent("", ARGV[3]), number("r:") }
`);

const use = "budget";

/** @param redis closed with the holdings */
export function createRedisHoldings({ redis }: { readonly redis: Redis }): SharedHoldings {
  const run = (script: RedisScript, month: string, args: readonly (string | number)[]) => {
    const keys = ["ends", "book"].map((part) => redis.key(`budget:${month}:${part}`));
    return redis.run(script, { keys, args }, { use });
  };
  const news = createNews({
    send: async (month, args) => (await run(tellScript, month, [KEEP_MS, ...args])).kind === "answered",
  });
  const ask = async (script: RedisScript, month: string, args: readonly (string | number)[]) => {
    const answer = await run(script, month, args);
    if (answer.kind === "bypassed") return undefined;
    news.retry();
    const [reply] = answer.replies;
    const value = reply !== undefined && "value" in reply ? reply.value : undefined;
    return Array.isArray(value) && value.every((each) => typeof each === "number") ? value : undefined;
  };

  return {
    reserve: async ({ id, month, tenant, nanos }, { limits, known }) => {
      const args = [id, nanos, tenant, HOLDING_LIFETIME_MS, KEEP_MS, ...bounds(limits, known)];
      const reply = await ask(reserveScript, month, args);
      if (reply === undefined) return "bypassed";
      const [which, spentNanos = 0, reservedNanos = 0] = reply;
      if (which === 0) return { kind: "held" };
      return { kind: "refused", scope: which === 1 ? "tenant" : "platform", sums: { spentNanos, reservedNanos } };
    },
    settle: (reservation, { id, month, tenant, nanos }) =>
      news.tell(month, {
        args: ["s", reservation.id, id, nanos, tenant, SETTLED_LIFETIME_MS],
        ends: reservation.id,
      }),
    release: ({ id, month }) => news.tell(month, { args: ["e", id], ends: id }),
    recorded: (holdings, totals) => {
      // Totals come first: an amount counts twice for a moment rather than not at all.
      for (const { month, platformNanos, tenants } of totals) {
        for (const [tenant, nanos] of [["", platformNanos] as const, ...tenants])
          news.tell(month, { args: ["t", tenant, nanos] });
      }
      for (const { id, month } of holdings) news.tell(month, { args: ["e", id], ends: id });
    },
    sums: async (month, tenant, { tenantNanos, platformNanos }): Promise<Sums | "bypassed"> => {
      await news.told(month);
      const reply = await ask(sumsScript, month, [tenant, tenantNanos, platformNanos]);
      if (reply === undefined) return "bypassed";
      const [spent = 0, reserved = 0, spentByAll = 0, reservedByAll = 0] = reply;
      return {
        tenant: { spentNanos: spent, reservedNanos: reserved },
        platform: { spentNanos: spentByAll, reservedNanos: reservedByAll },
      };
    },
    close: async () => {
      await news.idle();
      await redis.close();
    },
  };
}

const bounds = (limits: Limits, known: Totals) => [
  limits.tenantNanos ?? "",
  known.tenantNanos,
  limits.platformNanos ?? "",
  known.platformNanos,
];
