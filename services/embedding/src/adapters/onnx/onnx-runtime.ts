/** As much of onnxruntime-node as is used here, so that it need not be installed to be compiled against. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(path: string, options: SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: "int64", data: BigInt64Array, dims: readonly number[]) => Tensor;
}

export interface SessionOptions {
  readonly executionProviders: readonly string[];
  readonly intraOpNumThreads?: number;
  readonly enableCpuMemArena: boolean;
  readonly logSeverityLevel: 3;
  readonly extra: { readonly session: Readonly<Record<string, string | Readonly<Record<string, string>>>> };
}

export interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): Promise<Readonly<Record<string, Tensor>>>;
}

export interface Tensor {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}
