import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { evaluationSet, type TestDatabase } from "@quartet/testing";
import { describeWithStores } from "@quartet/testing/jest";
import path from "node:path";
import { partOf } from "../src/data-sets.ts";
import { type ModelServer, modelSettings, startModelServer } from "../src/model-server.ts";
import { migrateDatabase, quartet, temporaryFolder } from "../src/processes.ts";

interface Report {
  readonly documents: number;
  readonly space: { readonly model: string; readonly kind: string; readonly dimensions: number };
  readonly legs: Record<"keyword" | "vector" | "hybrid", { readonly ndcg_at_10: number; readonly degraded: number }>;
  readonly quantisation: {
    readonly passages: number;
    readonly recall_at_10: number;
    readonly float32_bytes: number;
    readonly int8_bytes: number;
  };
}

/** A part of the set: embedding all of it takes longer than all other tests. The whole is measured in deploy/docs/quality.md. */
const size = { queries: 12, documents: 24 };

const source = evaluationSet("autorag-ko");

(source === undefined ? describe.skip : describe)("quality with a genuine model", () => {
  describeWithStores("on genuine stores", ["postgres", "elasticsearch"], ({ postgres, elasticsearch }) => {
    const index = elasticsearch.createPrefix();
    let database: TestDatabase;
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let model: ModelServer | undefined;
    let report: Report;

    beforeAll(async () => {
      database = await postgres.createDatabase();
      folder = await temporaryFolder();
      model = await startModelServer(path.join(folder.path, "packages"));
      const stores = {
        DATABASE_URL: database.url,
        ELASTICSEARCH_URL: elasticsearch.url,
        QUARTET_ELASTICSEARCH_PREFIX: index.prefix.replace(/-$/, ""),
      };
      await migrateDatabase(database.url);
      const part = await partOf(source ?? "", path.join(folder.path, "set"), size);
      const settings = { ...modelSettings, ...stores, OPENAI_BASE_URL: model.url };
      const { code, stdout, stderr } = await quartet(
        ["eval", part, "--stores", "cluster", "--only", "legs", "--quantisation", "--rerank", "builtin", "--json"],
        settings,
      );
      if (code !== 0) throw new Error(`quartet eval ended with ${code}:\n${stderr}`);
      report = JSON.parse(stdout) as Report;
    }, 900_000);
    afterAll(async () => {
      await model?.stop();
      await database.drop();
      await index.drop();
      await folder[Symbol.asyncDispose]();
    }, 120_000);

    it("embeds with the model and searches both engines, nothing left out", () => {
      expect(report).toMatchObject({
        documents: size.documents,
        space: { model: "multilingual-e5-small", kind: "semantic", dimensions: 384 },
        legs: { keyword: { degraded: 0 }, vector: { degraded: 0 }, hybrid: { degraded: 0 } },
      });
    });

    it("ranks well by either leg, and both together no worse than the better one, but for one question", () => {
      const { keyword, vector, hybrid } = report.legs;
      expect(keyword.ndcg_at_10).toBeGreaterThanOrEqual(0.9);
      expect(vector.ndcg_at_10).toBeGreaterThanOrEqual(0.8);
      // A right passage that goes from the first to the second place costs .37 of a question.
      const tolerance = 0.37 / size.queries;
      expect(hybrid.ndcg_at_10).toBeGreaterThanOrEqual(Math.max(keyword.ndcg_at_10, vector.ndcg_at_10) - tolerance);
      // What the whole set is to reach, where it has ten times the documents.
      expect(hybrid.ndcg_at_10).toBeGreaterThanOrEqual(0.93);
    });

    it("finds nearly the same with a byte a component, in a quarter of the room", () => {
      const { passages, recall_at_10, float32_bytes, int8_bytes } = report.quantisation;
      expect(passages).toBeGreaterThanOrEqual(size.documents);
      // On whole sets a percent is lost at most; here one passage of one question is .008.
      expect(recall_at_10).toBeGreaterThanOrEqual(0.98);
      expect(int8_bytes / float32_bytes).toBeCloseTo(0.25, 1);
    });
  });
});
