import path from "node:path";
import { StartError } from "@quartet/service";
import { createLogger } from "@quartet/telemetry";
import { cosine } from "@quartet/vector";
import { devicesFor, requireRuntime } from "../adapters/onnx/find-runtime.ts";
import { createInference } from "../adapters/onnx/inference.ts";
import { type ModelFolder, readModelFolder } from "../adapters/onnx/model-folder.ts";
import { checkName } from "../adapters/onnx/model-store.ts";
import type { Device } from "../adapters/onnx/protocol.ts";
import type { Config } from "../config.ts";

export interface ProofOptions {
  readonly config: Pick<Config, "device" | "cpuThreads">;
  readonly modelsFolder: string;
  /** Default: that of the folder. */
  readonly name: string | undefined;
  /** In place of those that the model's own files say. */
  readonly prefixes: { readonly query: string | undefined; readonly document: string | undefined };
  readonly signal: AbortSignal;
}

/** A model that has embedded a text here. */
export interface ProvenModel {
  readonly name: string;
  readonly model: ModelFolder;
  readonly dimensions: number;
  readonly device: Device;
  /** For one short text, the model loaded. */
  readonly milliseconds: number;
}

/** The contract's limit. */
const MAX_DIMENSIONS = 4_096;
const PROOF = ["quartet", "네 사람이 함께 연주한다"] as const;
const LIMIT_MS = 120_000;
/** A batch and a single text are computed in another order of additions, in int8 with another scale too. */
const SAME = 0.98;

/**
 * Reads a model's folder, loads it and embeds: one that cannot is never added.
 *
 * @throws {StartError} with one line that says what to do
 */
export async function proveModel(given: string, options: ProofOptions): Promise<ProvenModel> {
  const { config, modelsFolder, signal } = options;
  const folder = path.resolve(given);
  const name = options.name ?? path.basename(folder);
  checkName(name);
  const runtime = requireRuntime(modelsFolder);
  const found = await readModelFolder(folder);
  const { query = found.settings.prefixes.query, document = found.settings.prefixes.document } = options.prefixes;
  const model = { ...found, settings: { ...found.settings, prefixes: { query, document } } };
  const inference = createInference({
    open: {
      kind: "open",
      folder: path.dirname(model.files[model.modelFile]!),
      modelFile: model.modelFile,
      tokenizerFolder: folder,
      settings: model.settings,
      runtime,
      devices: devicesFor(config.device, runtime),
      threads: config.cpuThreads,
      maxBatchTokens: 1,
    },
    timeoutMs: LIMIT_MS,
    log: createLogger({ service: "embedding", level: "warn" }),
  });
  try {
    const device = await inference.start(signal);
    const embed = async (texts: readonly string[]) => (await inference.run(texts, { urgent: true, signal })).vectors;
    const vectors = await embed(PROOF);
    const beganAt = performance.now();
    const [again] = await embed(PROOF.slice(0, 1));
    const milliseconds = performance.now() - beganAt;
    const [first] = vectors;
    if (first === undefined || again === undefined || first.length === 0 || first.length > MAX_DIMENSIONS)
      throw new StartError(
        `The model gives vectors of ${first?.length ?? 0} dimensions; 1 to ${MAX_DIMENSIONS} are taken.`,
      );
    if (cosine(first, again) < SAME) throw new StartError("The model gives a text another vector each time.");
    return { name, model, dimensions: first.length, device, milliseconds };
  } catch (error) {
    throw error instanceof Error && error.name === "EmbedderError"
      ? new StartError(error.message, { cause: error })
      : error;
  } finally {
    await inference.close();
  }
}
