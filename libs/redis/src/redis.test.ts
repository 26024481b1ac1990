import { afterEach, describe, expect, it } from "@jest/globals";
import { createTcpProxy, type TcpProxy, until } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { defineScript, type Redis } from "./redis.ts";
import { type FakeRedis, startFakeRedis } from "./test/fake-redis.ts";
import { isUp, openRedis } from "./test/set-up.ts";

const use = "test";
const get = [["GET", "nobody's"]] as const;
const owned: AsyncDisposable[] = [];
const own = <T extends AsyncDisposable>(thing: T): T => {
  owned.push(thing);
  return thing;
};
const open = (options: Parameters<typeof openRedis>[0]) => {
  const opened = openRedis(options);
  owned.push({ [Symbol.asyncDispose]: () => opened.redis.close() });
  return opened;
};
afterEach(async () => {
  for (const each of owned.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** How a call goes, and how long it takes. */
async function timed(redis: Redis) {
  const began = performance.now();
  const answer = await redis.send(get, { use });
  return { kind: answer.kind, ms: performance.now() - began };
}

describeWithStores("a genuine Redis", ["redis"], ({ redis: server }) => {
  it("answers each command of a call, errors among them, with bytes as they are", async () => {
    await using keys = server.createPrefix();
    const { redis } = open({ url: server.url, keyPrefix: keys.prefix });
    await isUp(redis);
    const [text, list] = [redis.key("a"), redis.key("b")];
    const bytes = Buffer.from([0, 255, 13, 10, 200]);
    const answer = await redis.send(
      [
        ["SET", text, bytes],
        ["GET", text],
        ["RPUSH", list, "x"],
        ["GET", list],
        ["PTTL", redis.key("c")],
      ],
      { use },
    );
    expect(answer).toEqual({
      kind: "answered",
      replies: [
        { value: Buffer.from("OK") },
        { value: bytes },
        { value: 1 },
        { error: "WRONGTYPE", lost: false },
        { value: -2 },
      ],
    });
  });

  it("runs a script, known to the server or not", async () => {
    const { redis } = open({ url: server.url });
    await isUp(redis);
    const script = defineScript(`return {KEYS[1], ARGV[1], ${performance.now()}}`);
    for (let round = 0; round < 2; round++) {
      const answer = await redis.run(script, { keys: ["k"], args: [7] }, { use });
      expect(answer).toMatchObject({ replies: [{ value: [Buffer.from("k"), Buffer.from("7"), expect.any(Number)] }] });
    }
  });

  it("is used once it is there, when it was down at the start, and again after each fault", async () => {
    const proxy = own(await createTcpProxy({ target: server.url }));
    await proxy.set({ kind: "refuse" });
    const { redis, lines } = open({ url: proxy.url(server.url), timeoutMs: 100 });
    expect(await redis.send(get, { use })).toEqual({ kind: "bypassed", reason: "NOT_CONNECTED" });
    await until(() => lines.length > 0);
    await proxy.set({ kind: "pass" });
    await isUp(redis);
    expect(lines).toEqual([
      'Redis does not answer; work goes on without it {"reason":"ECONNREFUSED"}',
      "Redis answers again {}",
    ]);
    for (const fault of [{ kind: "refuse" }, { kind: "hang" }, { kind: "cut", afterBytes: 1 }] as const) {
      await proxy.set(fault);
      await until(async () => (await redis.send(get, { use })).kind === "bypassed");
      await proxy.set({ kind: "pass" });
      await until(async () => (await redis.send(get, { use })).kind === "answered");
    }
  });

  it.each([{ kind: "hang" }, { kind: "delay", delayMs: 500 }] as const)(
    "costs those who wait when it begins one time limit, and nobody else anything: %j",
    async (fault) => {
      const proxy: TcpProxy = own(await createTcpProxy({ target: server.url }));
      const { redis, figure } = open({ url: proxy.url(server.url), timeoutMs: 50 });
      await isUp(redis);
      await proxy.set(fault);
      const first = await Promise.all([timed(redis), timed(redis), timed(redis)]);
      for (const { kind, ms } of first) {
        expect(kind).toBe("bypassed");
        expect(ms).toBeGreaterThanOrEqual(45);
      }
      const later = [];
      for (let call = 0; call < 200; call++) later.push(await timed(redis));
      // Two hundred calls one after another would take 10 s if each waited for its limit.
      expect(later.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThan(5_000);
      expect(await figure('quartet_redis_calls_total{use="test",outcome="late"}')).toBeLessThan(10);
      expect(await figure('quartet_redis_calls_total{use="test",outcome="bypassed"}')).toBeGreaterThan(190);
      expect(await figure('quartet_redis_up{client="test"}')).toBe(0);
    },
  );

  it("does not take for late what came while this process was busy", async () => {
    const { redis } = open({ url: server.url });
    await isUp(redis);
    const answer = redis.send(get, { use, limitMs: 20 });
    // The command goes out in this turn; then nothing is read for longer than the limit.
    await new Promise((resolve) => setTimeout(resolve, 2));
    const second = redis.send(get, { use, limitMs: 20 });
    await new Promise((resolve) => process.nextTick(resolve));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    expect((await answer).kind).toBe("answered");
    expect((await second).kind).toBe("answered");
  });

  it("ends with its connection, however that fares, and answers nothing any more", async () => {
    for (const fault of ["pass", "hang", "refuse"] as const) {
      const proxy = own(await createTcpProxy({ target: server.url }));
      const { redis } = open({ url: proxy.url(server.url) });
      await isUp(redis);
      await proxy.set({ kind: fault });
      const waiting = redis.send(get, { use, limitMs: 60_000 });
      await redis.close(300);
      expect(await redis.send(get, { use })).toEqual({ kind: "bypassed", reason: "NOT_CONNECTED" });
      await waiting;
      // A network that hangs tells nobody of the end either.
      await proxy.set({ kind: "pass" });
      await until(() => proxy.openConnections === 0);
    }
  });
});

describe("a server that fails", () => {
  let server: FakeRedis;
  const start = async () => (server = own(await startFakeRedis()));

  it.each(["LOADING", "MASTERDOWN", "BUSY"])("is bypassed as a whole while it says %s", async (code) => {
    await start();
    const { redis } = open({ url: server.url });
    await isUp(redis);
    server.answer = (name) => (name === "CLIENT" || name === "INFO" ? undefined : `-${code} not now`);
    expect(await redis.send(get, { use })).toEqual({ kind: "bypassed", reason: code });
    const before = server.commands.length;
    for (let call = 0; call < 100; call++) await redis.send(get, { use });
    // Pings alone may have come meanwhile.
    expect(server.commands.slice(before).filter(([name]) => name === "GET")).toEqual([]);
    server.answer = () => undefined;
    await isUp(redis);
  });

  it("is asked on where only writing fails, and left for another when it has become a replica", async () => {
    await start();
    const { redis, figure } = open({ url: server.url });
    await isUp(redis);
    const set = [["SET", "k", "v"]] as const;
    server.answer = (name) => (name === "SET" ? "-OOM command not allowed" : undefined);
    expect(await redis.send(set, { use })).toMatchObject({ replies: [{ error: "OOM", lost: false }] });
    expect(redis.up).toBe(true);
    expect(server.connections).toBe(1);
    server.answer = (name) => (name === "SET" ? "-READONLY You can't write against a read only replica." : undefined);
    await redis.send(set, { use });
    await until(() => server.connections === 2);
    await isUp(redis);
    // Not for every write: a replica may be all there is.
    await redis.send(set, { use });
    await redis.send(set, { use });
    expect(server.connections).toBe(2);
    expect(await figure('quartet_redis_calls_total{use="test",outcome="refused"}')).toBe(4);
  });

  it("keeps password, address and texts to itself where it is let in by none", async () => {
    await start();
    server.answer = (name) => (name === "AUTH" ? "-WRONGPASS invalid username-password pair" : undefined);
    const url = server.url.replace("redis://", "redis://me:canary@");
    const { redis, lines } = open({ url });
    await until(() => lines.length > 0);
    expect(await redis.send(get, { use })).toEqual({ kind: "bypassed", reason: "NOT_CONNECTED" });
    expect(lines).toEqual(['Redis does not answer; work goes on without it {"reason":"WRONGPASS"}']);
    expect(server.commands[0]).toEqual(["AUTH", "me", "canary"]);
  });
});
