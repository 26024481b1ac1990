import type { Redis } from "./redis.ts";

/** Keys that one step looks at: few enough that Redis does other things soon. */
const STEP_KEYS = 1_000;
/** Nobody waits for an answer meanwhile but the one who deletes. */
const STEP_LIMIT_MS = 1_000;

/** A glob of Redis that stands for this text and no other. */
export const toGlob = (text: string): string => text.replaceAll(/[\\*?[\]]/g, "\\$&");

/** A glob for a pattern in which `*` is any text and all else is literal. */
export const anyText = (pattern: string): string => pattern.split("*").map(toGlob).join("*");

/**
 * Deletes all keys that match, step by step: Redis goes through all its keys for it, whoever they belong to, and answers others in between.
 * Gives how many there were; undefined where Redis did not answer to the end. Throws the signal's reason when it is aborted.
 */
export async function deleteKeys({
  redis,
  use,
  glob,
  signal,
}: {
  readonly redis: Redis;
  readonly use: string;
  readonly glob: string;
  readonly signal: AbortSignal;
}): Promise<number | undefined> {
  let deleted = 0;
  let cursor = "0";
  do {
    signal.throwIfAborted();
    const step = ["SCAN", cursor, "MATCH", glob, "COUNT", STEP_KEYS] as const;
    const [found] = await ask(redis, [step], use);
    if (!isScanReply(found)) return undefined;
    const [next, keys] = found;
    if (keys.length > 0) {
      const [removed] = await ask(redis, [["UNLINK", ...keys]], use);
      if (typeof removed !== "number") return undefined;
      deleted += removed;
    }
    cursor = next.toString();
  } while (cursor !== "0");
  return deleted;
}

/** The values that came; none where Redis did not answer, or with an error. */
async function ask(redis: Redis, commands: Parameters<Redis["send"]>[0], use: string): Promise<readonly unknown[]> {
  const answer = await redis.send(commands, { use, limitMs: STEP_LIMIT_MS });
  if (answer.kind === "bypassed") return [];
  return answer.replies.map((reply) => ("value" in reply ? reply.value : undefined));
}

function isScanReply(value: unknown): value is readonly [Buffer, readonly Buffer[]] {
  return Array.isArray(value) && Buffer.isBuffer(value[0]) && Array.isArray(value[1]);
}
