import type { StoredModel } from "../adapters/onnx/model-store.ts";

/** What is told of a model, also as JSON. */
export interface ModelReport {
  readonly name: string;
  /** Whether servers that start now use it. */
  readonly in_use: boolean;
  readonly dimensions: number;
  readonly max_tokens: number;
  readonly pooling: string;
  readonly query_prefix: string;
  readonly document_prefix: string;
  /** Of all its files. */
  readonly bytes: number;
  /** Of the ONNX file. */
  readonly sha256: string;
  /** The first file that is not what was added; absent where none was found, or none was looked for. */
  readonly damaged_file?: string;
}

export function describe(
  { manifest }: StoredModel,
  { inUse, damaged }: { readonly inUse: boolean; readonly damaged?: string | undefined },
): ModelReport {
  const { name, dimensions, settings, modelFile, files } = manifest;
  return {
    name,
    in_use: inUse,
    dimensions,
    max_tokens: settings.maxTokens,
    pooling: settings.pooling,
    query_prefix: settings.prefixes.query,
    document_prefix: settings.prefixes.document,
    bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0),
    sha256: files[modelFile]?.sha256 ?? "",
    ...(damaged !== undefined && { damaged_file: damaged }),
  };
}
