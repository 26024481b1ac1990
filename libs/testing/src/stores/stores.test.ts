import { describe, expect, it } from "@jest/globals";
import { connect } from "node:net";
import { describeWithStores } from "../jest.ts";
import { areStoresRequired, missingStoresText, storesForTests } from "./stores.ts";

const urls = {
  QUARTET_TEST_DATABASE_URL: "postgresql://me:secret@127.0.0.1:1/quartet",
  QUARTET_TEST_ELASTICSEARCH_URL: "http://127.0.0.1:2",
};

describe("storesForTests", () => {
  it("finds what was asked for, and only that", () => {
    const { stores } = storesForTests(["postgres"], urls);
    expect(stores?.postgres.url).toBe(urls.QUARTET_TEST_DATABASE_URL);
    expect(Object.keys(stores ?? {})).toEqual(["postgres"]);
  });

  it("names what is missing, and never takes an operator's store", () => {
    const { stores, missing } = storesForTests(["elasticsearch", "redis"], { ...urls, REDIS_URL: "redis://127.0.0.1" });
    expect(stores).toBeUndefined();
    expect(missing).toEqual(["redis"]);
    expect(missingStoresText(["redis"])).toContain("needs redis: set QUARTET_TEST_REDIS_URL");
  });

  it("knows when stores are required", () => {
    expect(areStoresRequired({})).toBe(false);
    expect(areStoresRequired({ QUARTET_TEST_STORES: "required" })).toBe(true);
  });
});

describeWithStores("a database of a suite's own", ["postgres"], ({ postgres }) => {
  const count = async (url: string, name: string) => {
    const { Client } = (await import("pg")).default;
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query("select 1 from pg_database where datname = $1", [name])).rowCount;
    } finally {
      await client.end();
    }
  };

  it("is there until it is dropped, for two suites at once", async () => {
    await using first = await postgres.createDatabase();
    await using second = await postgres.createDatabase();
    expect(first.name).not.toBe(second.name);
    expect(await count(first.url, second.name)).toBe(1);
    await second.drop();
    expect(await count(first.url, second.name)).toBe(0);
  });
});

describeWithStores("an index prefix of a suite's own", ["elasticsearch"], ({ elasticsearch }) => {
  it("is deleted with all that begins with it", async () => {
    const mine = elasticsearch.createPrefix();
    const send = async (method: string, path: string, body?: object) => {
      const headers = { "content-type": "application/json" };
      const options = body ? { method, headers, body: JSON.stringify(body) } : { method };
      return (await fetch(`${mine.url}/${path}`, options)).status;
    };
    const template = { index_patterns: [`${mine.prefix}*`], template: { settings: { number_of_replicas: 0 } } };
    expect(await send("PUT", `_index_template/${mine.prefix}template`, template)).toBe(200);
    expect(await send("PUT", `${mine.prefix}one`, { aliases: { [`${mine.prefix}alias`]: {} } })).toBe(200);
    expect(await send("HEAD", `${mine.prefix}alias`)).toBe(200);
    await mine.drop();
    expect(await send("HEAD", `${mine.prefix}one`)).toBe(404);
    expect(await send("HEAD", `_index_template/${mine.prefix}template`)).toBe(404);
    await mine.drop();
  }, 60_000);
});

describeWithStores("a key prefix of a suite's own", ["redis"], ({ redis }) => {
  const ask = async (command: string) => {
    const { hostname, port } = new URL(redis.url);
    const socket = connect({ host: hostname, port: Number(port) }).setEncoding("utf8");
    socket.end(`${command}\r\n`);
    let answer = "";
    for await (const text of socket) answer += text;
    return answer.trimEnd();
  };

  it("is deleted with all that begins with it, and nothing else", async () => {
    const mine = redis.createPrefix();
    const other = redis.createPrefix();
    for (const key of [`${mine.prefix}a`, `${mine.prefix}b`, `${other.prefix}a`]) await ask(`SET ${key} 1`);
    await mine.drop();
    expect(await ask(`EXISTS ${mine.prefix}a ${mine.prefix}b`)).toBe(":0");
    expect(await ask(`EXISTS ${other.prefix}a`)).toBe(":1");
    await other.drop();
  });
});
