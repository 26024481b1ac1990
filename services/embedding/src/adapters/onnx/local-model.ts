import type { QueueFigures } from "@quartet/rpc";
import { StartError } from "@quartet/service";
import type { Logger } from "@quartet/telemetry";
import type { Embedder } from "../../domain/embedder.ts";
import { devicesFor, requireRuntime } from "./find-runtime.ts";
import { createInference, type Inference } from "./inference.ts";
import { findDifference, type StoredModel } from "./model-store.ts";
import { createOnnxEmbedder } from "./onnx-embedder.ts";
import type { Device, OpenRequest } from "./protocol.ts";

export interface LocalModelOptions {
  readonly modelsFolder: string;
  readonly stored: StoredModel;
  readonly device: "auto" | Device;
  /** Default: one for each processor. */
  readonly cpuThreads?: number | undefined;
  /** For one batch. */
  readonly timeoutMs: number;
  readonly maxTextCharacters: number;
  readonly denseWeight: number;
  readonly cacheThreshold: number;
  readonly log: Logger;
}

export interface LocalModel {
  readonly embedder: Embedder;
  /**
   * Compares the model with its checksums and loads it.
   *
   * @throws {StartError} with one line that says why it cannot be used
   */
  start(signal: AbortSignal): Promise<void>;
  /** What waits for it, in texts. */
  figures(): QueueFigures;
}

/** What a computation has at most, filling included: about a third of a second on two processors, which is how long a question waits for passages. */
const CPU_BATCH_TOKENS = 1_024;
/** A GPU is idle with less. */
const CUDA_BATCH_TOKENS = 16_384;

/** The model that was added, as an embedder: nothing is read or started before `start`. */
export function createLocalModel(options: LocalModelOptions): LocalModel {
  const { stored, log } = options;
  const request = openRequest(options);
  const inference = createInference({ open: request, timeoutMs: options.timeoutMs, log });
  return {
    embedder: createOnnxEmbedder({
      ...options,
      inference,
      model: stored.manifest,
      batchTokens: request.maxBatchTokens,
    }),
    start: async (signal) => {
      const different = await findDifference(stored, signal);
      if (different !== undefined)
        throw new StartError(
          `The local model ${stored.manifest.name} is damaged: ${different} is not what was added. Remove the model and add it again with \`quartet models\`.`,
        );
      const device = await startOn(inference, request, signal);
      log.info({ model: stored.manifest.name, device }, "local model loaded");
    },
    figures: () => inference.figures(),
  };
}

/** What the process is asked to open. */
export function openRequest({
  modelsFolder,
  stored: { folder, manifest },
  device,
  cpuThreads,
}: Pick<LocalModelOptions, "modelsFolder" | "stored" | "device" | "cpuThreads">): OpenRequest {
  const runtime = requireRuntime(modelsFolder);
  const devices = devicesFor(device, runtime);
  return {
    kind: "open",
    folder,
    modelFile: manifest.modelFile,
    settings: manifest.settings,
    runtime,
    devices,
    threads: cpuThreads,
    maxBatchTokens: devices[0] === "cuda" ? CUDA_BATCH_TOKENS : CPU_BATCH_TOKENS,
  };
}

async function startOn(inference: Inference, { devices }: OpenRequest, signal: AbortSignal): Promise<Device> {
  try {
    return await inference.start(signal);
  } catch (error) {
    if (!(error instanceof StartError) || devices.at(-1) !== "cuda") throw error;
    const advice = "Install CUDA's part of the runtime (deploy/docs/local-model.md), or set RAG_DEVICE to auto or cpu.";
    throw new StartError(`${error.message}. ${advice}`, { cause: error });
  }
}
