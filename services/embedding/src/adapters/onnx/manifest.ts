import { createHash } from "node:crypto";
import { type ModelSettings, poolings } from "./model-settings.ts";

/** What is kept of a model that was added, beside its files. */
export interface Manifest {
  /** The folder it lies in, and what people call it. */
  readonly name: string;
  /** When it was added, in ISO 8601. */
  readonly addTime: string;
  readonly dimensions: number;
  readonly settings: ModelSettings;
  /** The ONNX file, by its name. */
  readonly modelFile: string;
  readonly files: Readonly<Record<string, FileRecord>>;
}

export interface FileRecord {
  readonly bytes: number;
  /** In lower-case hex. */
  readonly sha256: string;
}

export const manifestFile = "quartet-model.json";

/** Files whose bytes decide over vectors; the others were read into the settings. */
const decisive = (file: string) => file.includes(".onnx") || file === "tokenizer.json";

/** A hash over all that decides over a model's vectors, prefixes aside: its weights, its tokens, and how they become one vector. */
export function identityOf({ files, settings: { pooling, maxTokens, lowercase } }: Manifest): string {
  const hashes = Object.entries(files)
    .filter(([file]) => decisive(file))
    .map(([file, { sha256 }]) => (file === "tokenizer.json" ? `tokens ${sha256}` : sha256))
    .sort();
  const identity = JSON.stringify([hashes, pooling, maxTokens, lowercase]);
  return `onnx:${createHash("sha256").update(identity).digest("hex")}`;
}

/** The manifest in a JSON text; undefined where it is none. */
export function parseManifest(text: string): Manifest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isManifest(value) ? value : undefined;
}

function isManifest(value: unknown): value is Manifest {
  const { name, addTime, dimensions, settings, modelFile, files } = (value ?? {}) as Partial<Manifest>;
  return (
    typeof name === "string" &&
    typeof addTime === "string" &&
    Number.isInteger(dimensions) &&
    typeof modelFile === "string" &&
    isObject(settings) &&
    poolings.includes(settings.pooling) &&
    Number.isInteger(settings.maxTokens) &&
    typeof settings.prefixes?.query === "string" &&
    typeof settings.prefixes.document === "string" &&
    isObject(files) &&
    Object.values(files).every((file) => Number.isInteger(file?.bytes) && /^[0-9a-f]{64}$/.test(file?.sha256))
  );
}

const isObject = <Value>(value: Value): value is NonNullable<Value> => typeof value === "object" && value !== null;
