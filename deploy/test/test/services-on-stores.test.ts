import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { createQuartetClient, type QuartetClient } from "@quartet/client";
import { PutWait } from "@quartet/contracts/gateway/v1/document_service";
import type { TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import { existsSync } from "node:fs";
import path from "node:path";
import { runNode, temporaryFolder } from "../src/processes.ts";

describeWithStores(
  "npm run services, on genuine stores",
  ["postgres", "elasticsearch", "redis"],
  ({ postgres, elasticsearch, redis }) => {
    const index = elasticsearch.createPrefix();
    let database: TestDatabase;
    let data: Awaited<ReturnType<typeof temporaryFolder>>;

    const services = (command: string) =>
      runNode(["deploy/local/services.mjs", command], {
        QUARTET_PORT: "0",
        QUARTET_DATA_DIR: data.path,
        DATABASE_URL: database.url,
        ELASTICSEARCH_URL: elasticsearch.url,
        QUARTET_ELASTICSEARCH_PREFIX: index.prefix.replace(/-$/, ""),
        REDIS_URL: redis.url,
      });
    const start = async (): Promise<{ readonly quartet: QuartetClient; readonly stderr: string }> => {
      const { code, stdout, stderr } = await services("start");
      if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
      const address = /gateway +up +(\S+)/.exec(stdout)?.[1] ?? "";
      return { quartet: createQuartetClient({ baseUrl: `http://${address}` }), stderr };
    };

    beforeAll(async () => {
      database = await postgres.createDatabase();
      data = await temporaryFolder();
    }, 60_000);
    afterAll(async () => {
      await services("stop");
      await database.drop();
      await index.drop();
      await data[Symbol.asyncDispose]();
    }, 120_000);

    it("migrates the database, keeps everything there, and finds it again after a restart", async () => {
      const first = await start();
      expect(first.stderr).toMatch(/quartet_retrieval: \d{3}_/);
      await first.quartet.documents.putDocuments({
        documents: [
          { id: "leave", title: "휴가 규정", text: "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다." },
        ],
        wait: PutWait.SEARCHABLE,
      });
      expect((await services("stop")).code).toBe(0);
      expect(existsSync(path.join(data.path, "quartet.db"))).toBe(false);

      const second = await start();
      expect(second.stderr).toContain("quartet_retrieval is up to date");
      const answer = await second.quartet.answers.answerQuestion({ question: "연차 휴가는 며칠입니까?" });
      expect(answer.text).toContain("15일");
      expect(answer.citations[0]).toMatchObject({ documentId: "leave", title: "휴가 규정" });
    }, 300_000);
  },
);
