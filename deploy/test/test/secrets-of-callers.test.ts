/**
 * The password of a database that is genuine, and an access token that is valid: both are in use here, so that whatever quotes what it was given
 * has something to quote. Everything a caller or an operator could see is searched, while all is well and when the database is gone.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { createQuartetClient } from "@quartet/client";
import { type FakeProvider, startFakeProvider, type TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { type Product, startOneProcess } from "../src/both-ways.ts";
import { runGatewayCommand } from "../src/gateway-commands.ts";
import { migrateDatabase, quartet as command } from "../src/processes.ts";

const password = "canary-of-postgres";

describeWithStores(
  "a caller's token and the password of a database",
  ["postgres", "elasticsearch"],
  ({ postgres, elasticsearch }) => {
    const index = elasticsearch.createPrefix();
    let database: TestDatabase;
    let provider: FakeProvider;
    let product: Product;
    let token: string;
    const seen: string[] = [];

    beforeAll(async () => {
      database = await postgres.createDatabase({ password });
      await migrateDatabase(database.url);
      const roles = ["read", "write", "admin"].flatMap((role) => ["--role", role]);
      token = await runGatewayCommand("tokens.ts", ["create", "--tenant", "acme", ...roles], database.url);
      provider = await startFakeProvider();
      product = await startOneProcess({
        DATABASE_URL: database.url,
        ELASTICSEARCH_URL: elasticsearch.url,
        QUARTET_ELASTICSEARCH_PREFIX: index.prefix.replace(/-$/, ""),
        QUARTET_AUTHENTICATION: "tokens",
        QUARTET_LOG_LEVEL: "debug",
        QUARTET_RELAY_MODELS: "any",
        QUARTET_EMBEDDING_DIMENSIONS: "64",
        OPENAI_API_KEY: "sk-of-callers",
        OPENAI_BASE_URL: provider.baseUrl,
      });
    }, 180_000);
    afterAll(async () => {
      await product?.[Symbol.asyncDispose]();
      await provider?.close();
      await database?.drop();
      await index.drop();
    }, 60_000);

    const send = async (method: string, where: string, body?: unknown, headers: Record<string, string> = {}) => {
      const response = await fetch(product.url + where, {
        method,
        headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(60_000),
      });
      const text = await response.text();
      seen.push(JSON.stringify([...response.headers]), text);
      return response.status;
    };

    /** Every door once, and what callers send by mistake: their token where it does not belong. Gives the statuses. */
    const knockEverywhere = async (): Promise<number[]> => {
      const messages = [{ role: "user", content: "How many days does a refund take?" }];
      const { documents, answers, operations } = createQuartetClient({ baseUrl: product.url, token });
      const calls = [
        documents.putDocuments({ documents: [{ id: "refunds", text: "A refund takes 14 days." }], wait: 2 }),
        answers.answerQuestion({ question: "refund?" }),
        operations.getPlatformStatus({}),
      ];
      for (const result of await Promise.allSettled(calls)) {
        if (result.status === "rejected") seen.push(String(result.reason), JSON.stringify(result.reason));
      }
      return await Promise.all([
        send("POST", "/api/v1/search", { query: "refund" }),
        send("POST", "/api/v1/answer", { question: "refund", sections: [{ name: "summary" }] }),
        send("POST", "/api/v1/answer", { question: "refund" }, { accept: "text/event-stream" }),
        send("POST", "/v1/chat/completions", { model: "quartet", messages, stream: true }),
        send("POST", "/v1/chat/completions", { model: "fake-model", messages }),
        send("GET", "/v1/models"),
        send("GET", `/v1/models?api_key=${token}`),
        send("POST", "/v1/chat/completions", { model: `quartet/${token}`, messages }),
        send("POST", "/v1/chat/completions", { model: "quartet", messages: token }),
        send("POST", "/api/v1/search", { query: "refund" }, { authorization: token }),
        send("POST", "/api/v1/search", { query: "refund" }, { authorization: `Bearer ${token}x` }),
        ...["/metrics", "/healthz", "/readyz", "/nothing"].map((page) => send("GET", page)),
      ]);
    };

    /** The part behind the token's name: `qt_<name>_<secret>`. */
    const secretOf = (text: string) => text.slice(-43);

    it("are shown nowhere while all is well, nor when the database is gone", async () => {
      expect(await knockEverywhere()).toEqual([
        200, 200, 200, 200, 200, 200, 200, 400, 400, 401, 401, 200, 200, 200, 404,
      ]);
      await database.drop();
      await knockEverywhere();
      const put = "/quartet.gateway.v1.DocumentService/PutDocuments";
      expect(await send("POST", put, { documents: [{ id: "late", text: "Too late." }] })).toBeGreaterThanOrEqual(500);

      const environment = { QUARTET_URL: product.url, QUARTET_TOKEN: token };
      for (const args of [["status"], ["doctor"], ["keys"], ["ask", "refund?"]]) {
        const { stdout, stderr } = await command(args, environment);
        seen.push(stdout, stderr);
      }
      const output = await product.output();
      // That it is refused is told, and how PostgreSQL calls that.
      expect(output.includes("SQLSTATE 28P01")).toBe(true);
      seen.push(output);
      for (const file of await readdir(product.folder, { recursive: true, withFileTypes: true })) {
        if (file.isFile()) seen.push(file.name, await readFile(path.join(file.parentPath, file.name), "latin1"));
      }
      for (const { headers, body } of provider.requests) seen.push(JSON.stringify([headers, body]));
      expect(seen.filter((text) => text.includes(password))).toEqual([]);
      expect(seen.filter((text) => text.includes(secretOf(token))).map((text) => text.slice(0, 2_000))).toEqual([]);
    }, 180_000);
  },
);
