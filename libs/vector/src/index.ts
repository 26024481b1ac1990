export { allFinite, cosine, dot, normalized } from "./similarity.ts";
export type { Vector } from "./similarity.ts";
export { dequantizeInt8, quantizeInt8 } from "./int8.ts";
export type { Int8Vector } from "./int8.ts";
export { fromLittleEndianBytes, toLittleEndianBytes } from "./float-bytes.ts";
