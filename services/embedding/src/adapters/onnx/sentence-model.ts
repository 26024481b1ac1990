import { readFile } from "node:fs/promises";
import path from "node:path";
import { allFinite, normalized } from "@quartet/vector";
import type { InferenceSession, OnnxRuntime, Tensor } from "./onnx-runtime.ts";
import { poolTokens } from "./pooling.ts";
import type { Device, OpenRequest, Reply } from "./protocol.ts";
import { tokenBatches } from "./token-batches.ts";
import { createTokenizer, type TextTokenizer } from "./tokenizer.ts";

export interface SentenceModel {
  readonly device: Device;
  embed(texts: readonly string[]): Promise<Extract<Reply, { kind: "embedded" }>>;
}

/** What is wrong with a model or a text, in words that may be shown. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}

const NEEDED_INPUTS = ["input_ids", "attention_mask"];
const KNOWN_INPUTS = [...NEEDED_INPUTS, "token_type_ids", "position_ids"];
/** Already pooled, where the export did that. */
const POOLED_OUTPUT = "sentence_embedding";
const TOKEN_OUTPUTS = ["last_hidden_state", "token_embeddings"];

/** Loads tokenizer and model, on the first of the devices that has what it needs. */
export async function openSentenceModel(runtime: OnnxRuntime, request: OpenRequest): Promise<SentenceModel> {
  const { folder, modelFile, tokenizerFolder = folder, settings, maxBatchTokens } = request;
  const tokenizer = await loadTokenizer(tokenizerFolder, settings);
  const { session, device } = await openSession(runtime, path.join(folder, modelFile), request);
  const unknown = session.inputNames.filter((name) => !KNOWN_INPUTS.includes(name));
  if (unknown.length > 0 || !NEEDED_INPUTS.every((name) => session.inputNames.includes(name)))
    throw new ModelError(
      `The model takes ${session.inputNames.join(", ")}; a text encoder takes ${KNOWN_INPUTS.join(", ")}.`,
    );
  const output =
    [POOLED_OUTPUT, ...TOKEN_OUTPUTS].find((name) => session.outputNames.includes(name)) ?? session.outputNames[0]!;

  /** The vectors of one batch, in the order of its texts. */
  const compute = async (batch: readonly (readonly number[])[], columns: number): Promise<Float32Array[]> => {
    const fed = feeds(runtime, session, { batch, columns, padId: tokenizer.padId });
    const tensor = (await session.run(fed, [output]))[output]!;
    const { data } = tensor;
    if (!(data instanceof Float32Array))
      throw new ModelError(`The model gives ${tensor.type}; export it with float32 output.`);
    const vectors = toVectors(
      { data, dims: tensor.dims },
      batch.map(({ length }) => length),
      settings.pooling,
    );
    if (!vectors.every(allFinite)) throw new ModelError("The model gave numbers that are none.");
    return vectors.map(normalized);
  };

  return {
    device,
    embed: async (texts) => {
      const tokens = texts.map((text) => tokenizer.encode(text));
      const vectors = new Array<Float32Array>(texts.length);
      for (const { places, columns } of tokenBatches(
        tokens.map(({ ids }) => ids.length),
        maxBatchTokens,
      )) {
        const computed = await compute(
          places.map((place) => tokens[place]!.ids),
          columns,
        );
        for (const [index, place] of places.entries()) vectors[place] = computed[index]!;
      }
      const dimensions = vectors[0]?.length ?? 0;
      const all = new Float32Array(texts.length * dimensions);
      for (const [place, vector] of vectors.entries()) all.set(vector, place * dimensions);
      return {
        kind: "embedded",
        vectors: all,
        dimensions,
        truncated: tokens.map(({ truncated }) => truncated),
        tokens: tokens.reduce((sum, { ids }) => sum + ids.length, 0),
      };
    },
  };
}

async function loadTokenizer(folder: string, settings: OpenRequest["settings"]): Promise<TextTokenizer> {
  const read = async (name: string) => JSON.parse(await readFile(path.join(folder, name), "utf8")) as object;
  const config = await read("tokenizer_config.json").catch(() => ({}));
  try {
    return createTokenizer(await read("tokenizer.json"), config, settings);
  } catch (error) {
    throw new ModelError(`tokenizer.json cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function openSession(
  runtime: OnnxRuntime,
  file: string,
  { devices, threads }: OpenRequest,
): Promise<{ readonly session: InferenceSession; readonly device: Device }> {
  let failure: unknown;
  for (const device of devices) {
    try {
      const session = await runtime.InferenceSession.create(file, {
        executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
        ...(threads !== undefined && { intraOpNumThreads: threads }),
        // Batches of many shapes would let it grow without end: 1 GB where 0.3 do.
        enableCpuMemArena: false,
        logSeverityLevel: 3,
        // Threads that wait for work would keep processors from those who have some.
        extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
      });
      return { session, device };
    } catch (error) {
      failure = error;
    }
  }
  const device = devices.at(-1)!;
  const why = failure instanceof Error ? failure.message.split("\n")[0] : String(failure);
  throw new ModelError(
    device === "cuda" ? `RAG_DEVICE: cuda cannot be used here: ${why}` : `The model cannot be loaded: ${why}`,
  );
}

interface Batch {
  readonly batch: readonly (readonly number[])[];
  readonly columns: number;
  readonly padId: number;
}

function feeds(
  runtime: OnnxRuntime,
  { inputNames }: InferenceSession,
  { batch, columns, padId }: Batch,
): Readonly<Record<string, Tensor>> {
  const filled = (valueAt: (ids: readonly number[], column: number) => number) => {
    const data = new BigInt64Array(batch.length * columns);
    for (const [row, ids] of batch.entries())
      for (let column = 0; column < columns; column += 1) data[row * columns + column] = BigInt(valueAt(ids, column));
    return new runtime.Tensor("int64", data, [batch.length, columns]);
  };
  const values: Readonly<Record<string, (ids: readonly number[], column: number) => number>> = {
    input_ids: (ids, column) => ids[column] ?? padId,
    attention_mask: (ids, column) => (column < ids.length ? 1 : 0),
    token_type_ids: () => 0,
    position_ids: (_, column) => column,
  };
  return Object.fromEntries(inputNames.map((name) => [name, filled(values[name]!)]));
}

function toVectors(
  { data, dims }: { readonly data: Float32Array; readonly dims: readonly number[] },
  lengths: readonly number[],
  pooling: OpenRequest["settings"]["pooling"],
): Float32Array[] {
  const [rows = 0, second = 0, third] = dims;
  if (rows !== lengths.length || data.length !== dims.reduce((product, size) => product * size, 1))
    throw new ModelError(`The model's output has the shape ${dims.join(" x ")} for ${lengths.length} texts.`);
  if (third !== undefined) return poolTokens({ data, rows, columns: second, dimensions: third }, lengths, pooling);
  return Array.from({ length: rows }, (_, row) => data.slice(row * second, (row + 1) * second));
}
