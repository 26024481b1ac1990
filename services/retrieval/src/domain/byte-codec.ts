/** The bytes are not what is to be read from them. */
export class ByteFormatError extends Error {}

/** Writes numbers one after the other, in as few bytes as they need. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  byte(value: number): void {
    this.#bytes.push(value & 0xff);
  }

  /** A whole number from 0 to 2 ** 53 - 1: seven bits a byte, the lowest first. */
  whole(value: number): void {
    let left = value;
    for (; left > 0x7f; left = Math.floor(left / 128)) this.#bytes.push((left % 128) | 0x80);
    this.#bytes.push(left);
  }

  /** Any number, exactly. */
  real(value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    this.#bytes.push(...bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
  }

  finish(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

/** Reads what a ByteWriter wrote. All methods throw ByteFormatError. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.raw(1)[0]!;
  }

  whole(): number {
    let value = 0;
    for (let place = 1; ; place *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * place;
      if (value > Number.MAX_SAFE_INTEGER) throw new ByteFormatError();
      if (byte < 0x80) return value;
    }
  }

  real(): number {
    return this.raw(8).readDoubleBE();
  }

  raw(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new ByteFormatError();
    this.#at += length;
    return bytes;
  }

  /** To be called last. */
  finish(): void {
    if (this.#at !== this.#bytes.length) throw new ByteFormatError();
  }
}
