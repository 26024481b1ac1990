import { execFileSync } from "node:child_process";
import { appendFile, cp } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { EmbeddingPurpose, EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { createModule, parseConfig } from "@quartet/embedding-service";
import { createClient, createInMemoryTransport, type ServiceModule } from "@quartet/rpc";
import { createLogger, createMetrics } from "@quartet/telemetry";
import { until } from "@quartet/testing";
import { cosine } from "@quartet/vector";
import { fetchMiniLm, provideRuntime } from "../src/local-model.ts";
import { quartet, sourceFlags, startNode, temporaryFolder } from "../src/processes.ts";

/** What the model's vectors are in Python, by onnxruntime 1.31.1 and tokenizers 0.23.3, one text at a time: the first four components, and all cosines. */
const reference = {
  texts: [
    "How many days of annual leave do employees have?",
    "Employees are granted 25 days of paid vacation each year.",
    "The aerodynamic drag of a slender wing at supersonic speed.",
    "연차 휴가는 며칠입니까?",
    "직원은 해마다 25일의 유급 휴가를 받습니다.",
  ],
  beginnings: [
    [0.0647, 0.0269, 0.0284, 0.065],
    [0.0177, 0.062, 0.08, -0.0175],
    [0.0173, 0.0718, -0.02, 0.0583],
    [-0.0448, 0.0428, 0.0482, -0.0204],
    [-0.031, 0.0821, 0.0192, -0.0442],
  ],
  cosines: [
    [1, 0.667, -0.058, 0.03, 0.031],
    [0.667, 1, -0.103, 0.005, 0.121],
    [-0.058, -0.103, 1, 0.111, 0.13],
    [0.03, 0.005, 0.111, 1, 0.625],
    [0.031, 0.121, 0.13, 0.625, 1],
  ],
};
/** Processors multiply bytes in different ways; a wrong token, pooling or prefix is off by far more. */
const tolerance = 0.02;

const fetchLimitMs = 600_000;
const computeLimitMs = 240_000;

describe("a local model", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let models: string;
  let source: string;
  const started: ServiceModule[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    models = path.join(folder.path, "models");
    source = await fetchMiniLm();
    await provideRuntime(models);
    const { code, stderr } = await quartet(["models", "add", source, "--name", "minilm"], {
      QUARTET_MODELS_DIR: models,
    });
    if (code !== 0) throw new Error(stderr);
  }, fetchLimitMs);
  afterAll(async () => {
    for (const module of started) await module.stop?.();
    await folder[Symbol.asyncDispose]();
  });

  /** The embedding service in this process, with the model in one of its own. */
  async function startService(environment: Record<string, string> = {}) {
    const module = createModule(
      parseConfig({
        QUARTET_MODELS_DIR: models,
        QUARTET_EMBEDDING_VECTORS: "float32",
        QUARTET_EMBEDDING_TIMEOUT: "3m",
        ...environment,
      }),
      {
        log: createLogger({ service: "embedding", level: "silent" }),
        metrics: createMetrics({ component: "embedding", processMetrics: false }),
      },
    );
    started.push(module);
    await module.start?.(AbortSignal.timeout(computeLimitMs));
    const client = createClient(EmbeddingService, createInMemoryTransport(module.routes));
    const embed = async (texts: readonly string[], purpose = EmbeddingPurpose.DOCUMENT as EmbeddingPurpose) => {
      const { embeddings, space } = await client.embedTexts({ texts: [...texts], purpose });
      const vectors = embeddings.map(({ vector }) =>
        vector?.encoding.case === "float32" ? Float32Array.from(vector.encoding.value.values) : new Float32Array(),
      );
      return { vectors, space, truncated: embeddings.map(({ truncated }) => truncated) };
    };
    return { module, embed };
  }

  it(
    "is listed, in use and as it was added",
    async () => {
      const { code, stdout } = await quartet(["models", "list", "--verify", "--json"], { QUARTET_MODELS_DIR: models });
      expect([code, JSON.parse(stdout)]).toMatchObject([
        0,
        {
          runtime: true,
          models: [
            {
              name: "minilm",
              in_use: true,
              dimensions: 384,
              max_tokens: 256,
              pooling: "mean",
              sha256: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
            },
          ],
        },
      ]);
    },
    computeLimitMs,
  );

  describe("in the embedding service", () => {
    let service: Awaited<ReturnType<typeof startService>>;
    beforeAll(async () => {
      service = await startService();
    }, computeLimitMs);

    it(
      "gives the vectors that Python gives, in Korean too",
      async () => {
        const { vectors, space } = await service.embed(reference.texts);
        expect(space).toMatchObject({ model: "minilm", dimensions: 384, kind: 2, denseWeight: 0.3, cacheThreshold: 2 });
        for (const [row, vector] of vectors.entries()) {
          for (const [index, component] of reference.beginnings[row]!.entries())
            expect(Math.abs(vector[index]! - component)).toBeLessThan(tolerance);
          for (const [column, expected] of reference.cosines[row]!.entries())
            expect(Math.abs(cosine(vector, vectors[column]!) - expected)).toBeLessThan(tolerance);
        }
      },
      computeLimitMs,
    );

    it(
      "gives a text the same vector alone as among others, in their order",
      async () => {
        const others = ["x", "a longer text than the others, which all of them are filled up to", ...reference.texts];
        const fresh = await startService({ QUARTET_EMBEDDING_CACHE_ENTRIES: "1" });
        const { vectors } = await fresh.embed([...others].reverse());
        for (const [index, text] of others.entries()) {
          const [alone] = (await fresh.embed([text])).vectors;
          expect(cosine(vectors[others.length - 1 - index]!, alone!)).toBeGreaterThan(0.999);
        }
        await fresh.module.stop?.();
      },
      computeLimitMs,
    );

    it(
      "reads 256 tokens of a text, and says that there was more",
      async () => {
        const words = (count: number) => "word ".repeat(count).trim();
        // Two of the tokens stand around the text.
        const { vectors, truncated } = await service.embed([
          words(254),
          words(255),
          words(1_000),
          "가나다 ".repeat(1_000),
        ]);
        expect(truncated).toEqual([false, true, true, true]);
        expect(cosine(vectors[0]!, vectors[2]!)).toBeGreaterThan(0.999);
        expect(vectors[3]).toHaveLength(384);
      },
      computeLimitMs,
    );

    it(
      "lets everything else go on while it computes, and questions before passages",
      async () => {
        const texts = Array.from(
          { length: 24 },
          (_, n) => `${n} ${"a passage as long as the model reads ".repeat(40)}`,
        );
        const ended: string[] = [];
        let [longestWaitMs, last] = [0, performance.now()];
        const timer = setInterval(() => {
          const now = performance.now();
          longestWaitMs = Math.max(longestWaitMs, now - last);
          last = now;
        }, 5);
        const beganAt = performance.now();
        const passages = service.embed(texts).then(() => ended.push("passages"));
        const question = service.embed(["and a question?"], EmbeddingPurpose.QUERY).then(() => ended.push("question"));
        await Promise.all([passages, question]);
        clearInterval(timer);
        expect(ended).toEqual(["question", "passages"]);
        // Computed here, nothing would have had its turn before the end.
        expect(longestWaitMs).toBeLessThan((performance.now() - beganAt) / 2);
      },
      computeLimitMs,
    );

    it(
      "says so when the model's process is killed, and goes on with another",
      async () => {
        const computing = service.embed(Array.from({ length: 24 }, (_, n) => `${n} ${"to be killed ".repeat(200)}`));
        const failed = computing.then(
          () => undefined,
          (error: unknown) => String(error),
        );
        const pid = modelProcess();
        process.kill(pid, "SIGKILL");
        expect(await failed).toMatch(
          /\[unavailable\] The local model was computing when it ended; it is started anew\./,
        );
        await until(async () => (await service.embed(["after"]).catch(() => undefined)) !== undefined, {
          limitMs: computeLimitMs / 2,
        });
        expect(modelProcess()).not.toBe(pid);
      },
      computeLimitMs,
    );

    it(
      "leaves no process when the service stops",
      async () => {
        const pid = modelProcess();
        await service.module.stop?.();
        expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
      },
      computeLimitMs,
    );
  });

  it(
    "is loaded by the service in a process of its own, from the data folder",
    async () => {
      const service = startNode([...sourceFlags, "services/embedding/src/main.ts"], {
        QUARTET_DATA_DIR: folder.path,
        QUARTET_EMBEDDING_PORT: "0",
      });
      try {
        await until(
          () => service.stderr().includes('"local model loaded"') && service.stderr().includes('"listening"'),
          {
            limitMs: computeLimitMs / 2,
          },
        );
      } finally {
        expect(await service.stop()).toBe(0);
      }
    },
    computeLimitMs,
  );

  it(
    "is not started where it is damaged, or on a GPU that cannot be used, and one line says why",
    async () => {
      await expect(startService({ RAG_DEVICE: "cuda" })).rejects.toThrow(
        /^RAG_DEVICE: cuda cannot be used here: .*RAG_DEVICE to auto or cpu\.$/,
      );
      const copy = path.join(folder.path, "copy");
      await cp(models, copy, { recursive: true, verbatimSymlinks: true });
      await appendFile(path.join(copy, "minilm", "model.onnx"), "x");
      await expect(startService({ QUARTET_MODELS_DIR: copy })).rejects.toThrow(
        "The local model minilm is damaged: model.onnx is not what was added.",
      );
    },
    computeLimitMs,
  );

  it(
    "needs the runtime, which a line says how to install",
    async () => {
      const bare = path.join(folder.path, "bare");
      await cp(path.join(models, "minilm"), path.join(bare, "minilm"), { recursive: true });
      expect(() => parseAndCreate(bare)).toThrow(
        /npm install --prefix \S+bare\/runtime --ignore-scripts onnxruntime-node@/,
      );
      const { code, stderr } = await quartet(["models", "add", source], { QUARTET_MODELS_DIR: bare });
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^A local model needs the ONNX runtime.*\n$/)]);
    },
    computeLimitMs,
  );

  const parseAndCreate = (modelsDir: string) =>
    createModule(parseConfig({ QUARTET_MODELS_DIR: modelsDir }), {
      log: createLogger({ service: "embedding", level: "silent" }),
      metrics: createMetrics({ component: "embedding", processMetrics: false }),
    });
});

/** The process that computes for this one. */
function modelProcess(): number {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  const line = lines.find(
    (each) => each.includes("inference-process") && Number(each.trim().split(/\s+/)[1]) === process.pid,
  );
  if (line === undefined) throw new Error("the model has no process");
  return Number(line.trim().split(/\s+/)[0]);
}
