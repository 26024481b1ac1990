import { defineScript, type Redis, type RedisScript } from "@quartet/redis";
import { HOLDING_LIFETIME_MS, type Limits, type SharedHoldings, type Sums } from "../domain/holdings.ts";
import { createLostEnds } from "./lost-ends.ts";
import type { MonthTotals, Totals } from "../domain/ledger.ts";

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
local function put(kind, id, nanos, tenant, lifetimeMs, keepMs)
  drop(id)
  redis.call("HSET", book, "e:" .. id, kind .. ":" .. nanos .. ":" .. tenant)
  redis.call("ZADD", ends, nowMs() + lifetimeMs, id)
  add(kind, tenant, nanos)
  for _, key in ipairs(KEYS) do redis.call("PEXPIRE", key, keepMs) end
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
put("r", id, nanos, tenant, lifetimeMs, keepMs)
return { 0, 0, 0 }
`);

const settleScript = defineScript(`${common}
drop(ARGV[6])
put("s", ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
`);

/** ARGV: how long the keys are kept, how many ids, the ids, then pairs of a tenant and its total, which only grows. */
const endScript = defineScript(`${common}
local last = 2 + ARGV[2]
for at = 3, last do drop(ARGV[at]) end
for at = last + 1, #ARGV, 2 do
  local field, total = "t:" .. ARGV[at], ARGV[at + 1]
  if tonumber(total) > number(field) then redis.call("HSET", book, field, total) end
end
redis.call("PEXPIRE", book, ARGV[1])
return 1
`);

const sumsScript = defineScript(`${common}
sweep()
local tenant = ARGV[1]
return { spent(tenant, ARGV[2]), number("r:" .. tenant), spent("", ARGV[3]), number("r:") }
`);

const use = "budget";
/** Ids in one call: others' calls on the server wait while a script runs. */
const RECORDED_AT_ONCE = 200;

/** @param redis closed with the holdings */
export function createRedisHoldings({ redis }: { readonly redis: Redis }): SharedHoldings {
  const keysOf = (month: string) => ["ends", "book"].map((part) => redis.key(`budget:${month}:${part}`));
  /** What was told so far, one after the other: a script that the server does not know is sent again and would come after what was told later. */
  let told: Promise<unknown> = Promise.resolve();
  const run = (script: RedisScript, month: string, args: readonly (string | number)[]) =>
    redis.run(script, { keys: keysOf(month), args }, { use });
  const lost = createLostEnds();
  const tell = (script: RedisScript, month: string, args: readonly (string | number)[], ends: readonly string[]) => {
    told = told.then(async () => {
      if ((await run(script, month, args)).kind === "bypassed") lost.add(month, ends);
      else await tellLost();
    });
  };
  const end = (month: string, ids: readonly string[], totals: readonly (string | number)[] = []) =>
    tell(endScript, month, [KEEP_MS, ids.length, ...ids, ...totals], ids);
  /** Redis is back: what ended meanwhile would hold money until it ends by itself. */
  const tellLost = async () => {
    for (let some = lost.next(); some !== undefined; some = lost.next()) {
      const { month, ids } = some;
      if ((await run(endScript, month, [KEEP_MS, ids.length, ...ids])).kind === "bypassed") return;
      lost.remove(month, ids);
    }
  };
  const ask = async (script: RedisScript, month: string, args: readonly (string | number)[]) => {
    await told;
    const answer = await run(script, month, args);
    if (answer.kind === "answered" && lost.next() !== undefined) told = told.then(tellLost);
    const reply = answer.kind === "answered" ? answer.replies[0] : undefined;
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
      tell(settleScript, month, [id, nanos, tenant, SETTLED_LIFETIME_MS, KEEP_MS, reservation.id], [reservation.id]),
    release: ({ id, month }) => end(month, [id]),
    recorded: (holdings, totals) => {
      for (const month of new Set(holdings.map((each) => each.month))) {
        const ids = holdings.filter((each) => each.month === month).map(({ id }) => id);
        const known = totals.find((each) => each.month === month);
        for (let at = 0; at < ids.length; at += RECORDED_AT_ONCE) {
          end(month, ids.slice(at, at + RECORDED_AT_ONCE), known && pairs(known));
        }
      }
    },
    sums: async (month, tenant, { tenantNanos, platformNanos }): Promise<Sums | "bypassed"> => {
      const reply = await ask(sumsScript, month, [tenant, tenantNanos, platformNanos]);
      if (reply === undefined) return "bypassed";
      const [spent = 0, reserved = 0, spentByAll = 0, reservedByAll = 0] = reply;
      return {
        tenant: { spentNanos: spent, reservedNanos: reserved },
        platform: { spentNanos: spentByAll, reservedNanos: reservedByAll },
      };
    },
    close: async () => {
      await told;
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

const pairs = ({ platformNanos, tenants }: MonthTotals) => ["", platformNanos, ...[...tenants].flat()];
