import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { OnnxRuntime, SessionOptions, Tensor } from "./onnx-runtime.ts";
import type { OpenRequest } from "./protocol.ts";
import { openSentenceModel } from "./sentence-model.ts";

/** Words of one letter each; what stands around a text is 1 and 2, unknown words are 3. */
const vocabulary = { "[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, a: 4, b: 5, c: 6, 가: 7 };
const special = (token: "[CLS]" | "[SEP]") => ({ id: token, ids: [vocabulary[token]], tokens: [token] });
const tokenizer = {
  version: "1.0",
  added_tokens: Object.entries(vocabulary)
    .filter(([content]) => content.startsWith("["))
    .map(([content, id]) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
  normalizer: null,
  pre_tokenizer: { type: "Whitespace" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    pair: [],
    special_tokens: { "[CLS]": special("[CLS]"), "[SEP]": special("[SEP]") },
  },
  decoder: null,
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: vocabulary,
  },
};

interface FakeOptions {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly refuses?: readonly string[];
  readonly poison?: boolean;
}

/** A model whose token vectors are [token, token squared], and what it was fed. */
function fakeRuntime({
  inputs = ["input_ids", "attention_mask", "token_type_ids"],
  outputs = ["last_hidden_state"],
  refuses = [],
  poison = false,
}: FakeOptions = {}) {
  const fed: Readonly<Record<string, Tensor>>[] = [];
  const created: SessionOptions[] = [];
  const runtime: OnnxRuntime = {
    Tensor: class {
      readonly type: string;
      readonly data: unknown;
      readonly dims: readonly number[];
      constructor(type: "int64", data: BigInt64Array, dims: readonly number[]) {
        this.type = type;
        this.data = data;
        this.dims = dims;
      }
    },
    InferenceSession: {
      create: async (_, options) => {
        created.push(options);
        if (refuses.includes(options.executionProviders[0]!)) throw new Error("Failed to load shared library\nat /x");
        return {
          inputNames: inputs,
          outputNames: outputs,
          run: async (feeds, [output = ""]) => {
            fed.push(feeds);
            const ids = [...(feeds["input_ids"]!.data as BigInt64Array)].map(Number);
            const [rows = 0] = feeds["input_ids"]!.dims;
            if (output === "sentence_embedding")
              return {
                [output]: { type: "float32", data: Float32Array.from({ length: rows * 2 }, () => 1), dims: [rows, 2] },
              };
            const data = Float32Array.from(ids.flatMap((id) => [poison ? NaN : id, id * id]));
            return { [output]: { type: "float32", data, dims: [...feeds["input_ids"]!.dims, 2] } };
          },
        };
      },
    },
  };
  return { runtime, fed, created };
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "quartet-onnx-"));
  await writeFile(path.join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
});
afterEach(async () => await rm(folder, { recursive: true }));

const request = (settings: Partial<OpenRequest["settings"]> = {}, rest: Partial<OpenRequest> = {}): OpenRequest => ({
  kind: "open",
  folder,
  modelFile: "model.onnx",
  settings: {
    pooling: "mean",
    prefixes: { query: "", document: "" },
    maxTokens: 6,
    lowercase: false,
    padToken: "[PAD]",
    ...settings,
  },
  runtime: "",
  devices: ["cpu"],
  threads: 1,
  maxBatchTokens: 1_000,
  ...rest,
});

const unit = (...numbers: number[]) => numbers.map((number) => Math.fround(number / Math.hypot(...numbers)));
const mean = (...ids: number[]) =>
  unit(ids.reduce((sum, id) => sum + id, 0) / ids.length, ids.reduce((sum, id) => sum + id * id, 0) / ids.length);

/** The vectors of a reply, each as numbers. */
const rowsOf = ({ vectors, dimensions }: { vectors: Float32Array; dimensions: number }) =>
  Array.from({ length: vectors.length / dimensions }, (_, row) => [
    ...vectors.slice(row * dimensions, (row + 1) * dimensions),
  ]);

const closeTo = (rows: number[][]) => rows.map((row) => row.map((number) => expect.closeTo(number, 5)));

describe("openSentenceModel", () => {
  it("gives vectors in the order of texts, filled up and cut as the model wants it", async () => {
    const { runtime, fed } = fakeRuntime();
    const model = await openSentenceModel(runtime, request());
    const reply = await model.embed(["a", "a b c 가 a b c", "b 가"]);
    expect(rowsOf(reply)).toEqual(closeTo([mean(1, 4, 2), mean(1, 4, 5, 6, 7, 2), mean(1, 5, 7, 2)]));
    expect(reply).toMatchObject({ dimensions: 2, truncated: [false, true, false], tokens: 13 });
    expect(fed).toHaveLength(1);
    expect([...(fed[0]!["attention_mask"]!.data as BigInt64Array)].map(Number)).toEqual([
      ...[1, 1, 1, 1, 1, 1],
      ...[1, 1, 1, 1, 0, 0],
      ...[1, 1, 1, 0, 0, 0],
    ]);
    expect(Object.keys(fed[0]!)).toEqual(["input_ids", "attention_mask", "token_type_ids"]);
  });

  it("computes no more at once than it may, and gives the same", async () => {
    const { runtime, fed } = fakeRuntime();
    const texts = ["a", "b 가 a", "c", "a b"];
    const whole = await (await openSentenceModel(runtime, request())).embed(texts);
    const parts = await (await openSentenceModel(runtime, request({}, { maxBatchTokens: 6 }))).embed(texts);
    expect(rowsOf(parts)).toEqual(closeTo(rowsOf(whole)));
    expect(fed.map((feeds) => feeds["input_ids"]!.dims)).toEqual([
      [4, 5],
      [1, 5],
      [1, 4],
      [2, 3],
    ]);
  });

  it.each([
    ["cls", unit(1, 1)],
    ["lasttoken", unit(2, 4)],
    ["max", unit(5, 25)],
    ["mean_sqrt_len", mean(1, 5, 2)],
  ] as const)("pools by %s over a text's own tokens", async (pooling, expected) => {
    const model = await openSentenceModel(fakeRuntime().runtime, request({ pooling }));
    expect(rowsOf(await model.embed(["b", "가 가 가"]))[0]).toEqual(closeTo([[...expected]])[0]);
  });

  it("takes what the model pooled itself", async () => {
    const { runtime } = fakeRuntime({ outputs: ["last_hidden_state", "sentence_embedding"] });
    expect(rowsOf(await (await openSentenceModel(runtime, request())).embed(["a"]))).toEqual(closeTo([unit(1, 1)]));
  });

  it("lower-cases where the model wants it", async () => {
    const model = await openSentenceModel(fakeRuntime().runtime, request({ lowercase: true }));
    const [lower, upper] = rowsOf(await model.embed(["a", "A"]));
    expect(upper).toEqual(lower);
  });

  it("falls back to the processors, but not where the GPU has to be used", async () => {
    const { runtime, created } = fakeRuntime({ refuses: ["cuda"] });
    expect((await openSentenceModel(runtime, request({}, { devices: ["cuda", "cpu"] }))).device).toBe("cpu");
    expect(created.map(({ executionProviders }) => executionProviders)).toEqual([["cuda", "cpu"], ["cpu"]]);
    await expect(openSentenceModel(runtime, request({}, { devices: ["cuda"] }))).rejects.toThrow(
      "RAG_DEVICE: cuda cannot be used here: Failed to load shared library",
    );
  });

  it("refuses what is no encoder of texts, a damaged tokenizer, and numbers that are none", async () => {
    const decoder = fakeRuntime({ inputs: ["input_ids", "attention_mask", "past_key_values.0.key"] });
    await expect(openSentenceModel(decoder.runtime, request())).rejects.toThrow(/past_key_values/);
    const poisoned = await openSentenceModel(fakeRuntime({ poison: true }).runtime, request());
    await expect(poisoned.embed(["a"])).rejects.toThrow("numbers that are none");
    await writeFile(path.join(folder, "tokenizer.json"), "{}");
    await expect(openSentenceModel(fakeRuntime().runtime, request())).rejects.toThrow(
      /^tokenizer\.json cannot be used/,
    );
  });
});
