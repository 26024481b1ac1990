import type { EmbeddingSpace, Purpose } from "./embedder.ts";
import type { PackedVector } from "./packed-vector.ts";

/** What a vector was made for. */
export interface VectorKey {
  /** Part of the key though vectors belong to nobody: how soon an answer comes would tell a tenant what another has asked. */
  readonly tenant: string;
  readonly space: EmbeddingSpace;
  readonly purpose: Purpose;
  /** In Unicode NFC. */
  readonly text: string;
}

/** Port: vectors that replicas share and may lose. It never throws, and where it cannot tell within moments, it knows nothing. */
export interface SharedVectors {
  /** In the order of `keys`; undefined for what it does not have. */
  read(keys: readonly VectorKey[]): Promise<readonly (PackedVector | undefined)[]>;
  /** Nobody waits for it. */
  write(key: VectorKey, vector: PackedVector): void;
}
