import { defineScript } from "./redis.ts";
import type { Redis } from "./redis.ts";

export interface MarksOptions {
  readonly redis: Redis;
  /** The start of their keys, and a label of metrics, as `key-rests`. */
  readonly name: string;
}

/** Signs that replicas set for each other and that go out by themselves. Times are always what is left: clocks of machines differ. */
export interface Marks {
  /** Sets a mark, or makes it last longer; never shorter. Nobody waits for it, and it is lost where Redis is away. */
  extend(name: string, durationMs: number): void;
  /** How long each mark still lasts, 0 where there is none; undefined when Redis does not tell now. */
  remainingMs(names: readonly string[]): Promise<readonly number[] | undefined>;
}

/** Atomic: two replicas may set the same mark at once, and the longer one holds. What another program left there has no end and is replaced. */
const extendScript = defineScript(`
local left = redis.call("PTTL", KEYS[1])
if left < tonumber(ARGV[1]) then
  redis.call("SET", KEYS[1], "", "PX", ARGV[1])
end
return 1
`);

/** A day: no provider's word keeps a key out of use for longer than this in other replicas. */
const LONGEST_MS = 86_400_000;

export function createMarks({ redis, name: use }: MarksOptions): Marks {
  const keyOf = (name: string) => redis.key(`${use}:${name}`);
  return {
    extend: (name, durationMs) => {
      const lasting = Math.min(LONGEST_MS, Math.ceil(durationMs));
      if (lasting > 0) void redis.run(extendScript, { keys: [keyOf(name)], args: [lasting] }, { use });
    },
    remainingMs: async (names) => {
      const commands = names.map((name) => ["PTTL", keyOf(name)] as const);
      const answer = await redis.send(commands, { use });
      if (answer.kind === "bypassed") return undefined;
      const left = answer.replies.map((reply) => ("value" in reply ? reply.value : undefined));
      return left.every((each) => typeof each === "number") ? left.map((each) => Math.max(0, each)) : undefined;
    },
  };
}
