import type { ModelSettings } from "./model-settings.ts";

/** Where a model is computed. */
export type Device = "cpu" | "cuda";

/** What the process that runs the model is told first. */
export interface OpenRequest {
  readonly kind: "open";
  /** Folder of the model. */
  readonly folder: string;
  readonly modelFile: string;
  /** Where its tokenizer lies. Default: in the same folder. */
  readonly tokenizerFolder?: string;
  readonly settings: ModelSettings;
  /** Path of onnxruntime-node's main file. */
  readonly runtime: string;
  /** In the order to try them. */
  readonly devices: readonly [Device, ...Device[]];
  /** Threads of the CPU for one computation; undefined: one for each processor. */
  readonly threads: number | undefined;
  /** The most tokens, filling included, that are computed at once; a single text may have more. */
  readonly maxBatchTokens: number;
}

export interface EmbedRequest {
  readonly kind: "embed";
  /** With their prefixes. */
  readonly texts: readonly string[];
}

export type Request = OpenRequest | EmbedRequest;

/** One for each request, in their order. */
export type Reply =
  | { readonly kind: "opened"; readonly device: Device }
  | {
      readonly kind: "embedded";
      /** Of all texts one after the other, each of length 1. */
      readonly vectors: Float32Array;
      readonly dimensions: number;
      /** Whether the end of a text was left out, in the order of texts. */
      readonly truncated: readonly boolean[];
      /** Tokens that were computed, filling excluded. */
      readonly tokens: number;
    }
  /** It cannot be done. The message is for people and never repeats a text. */
  | { readonly kind: "failed"; readonly message: string };
