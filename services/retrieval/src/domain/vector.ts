/** A vector in either encoding; both mean real numbers. With int8 a component is byte x scale. */
export type EncodedVector =
  | { readonly kind: "float32"; readonly values: Float32Array }
  | { readonly kind: "int8"; readonly values: Int8Array; readonly scale: number };
