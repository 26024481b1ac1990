const bytesPerFloat = 4;
/** As nearly every machine is, where the bytes in memory are those wanted. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The components as IEEE 754 single precision, little-endian, whatever the machine: how vectors are stored and sent. */
export function toLittleEndianBytes(vector: Float32Array): Uint8Array {
  if (isLittleEndian) return new Uint8Array(new Float32Array(vector).buffer);
  const bytes = new Uint8Array(vector.length * bytesPerFloat);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < vector.length; index += 1) view.setFloat32(index * bytesPerFloat, vector[index]!, true);
  return bytes;
}

/** The inverse of toLittleEndianBytes, in a copy. Throws a RangeError where the bytes are no whole number of components. */
export function fromLittleEndianBytes(bytes: Uint8Array): Float32Array {
  if (bytes.byteLength % bytesPerFloat !== 0) throw new RangeError(`${bytes.byteLength} bytes are no whole vector`);
  if (isLittleEndian) return new Float32Array(new Uint8Array(bytes).buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / bytesPerFloat }, (_, index) =>
    view.getFloat32(index * bytesPerFloat, true),
  );
}
