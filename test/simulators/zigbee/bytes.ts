/**
 * Bytes as Zigbee and the MT API write them: little-endian. An IEEE address is text in the API of this simulator
 * (`0x00124b0012345678`, the way people read it) and eight bytes on the wire, the last one first.
 */

export class ByteWriter {
  readonly #parts: number[] = [];

  u8(value: number): this {
    this.#parts.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >> 8);
  }

  u24(value: number): this {
    return this.u16(value).u8(value >> 16);
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  u64(value: bigint): this {
    return this.u32(Number(value & 0xffff_ffffn)).u32(Number((value >> 32n) & 0xffff_ffffn));
  }

  ieee(address: string): this {
    return this.u64(BigInt(address));
  }

  bytes(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#parts.push(byte & 0xff);
    return this;
  }

  u16List(values: readonly number[]): this {
    for (const value of values) this.u16(value);
    return this;
  }

  done(): Buffer {
    return Buffer.from(this.#parts);
  }
}

/** @throws RangeError where there are fewer bytes left than asked for */
export class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#position;
  }

  u8(): number {
    return this.#take(1).readUInt8(0);
  }

  u16(): number {
    return this.#take(2).readUInt16LE(0);
  }

  u24(): number {
    return this.#take(3).readUIntLE(0, 3);
  }

  u32(): number {
    return this.#take(4).readUInt32LE(0);
  }

  u64(): bigint {
    return this.#take(8).readBigUInt64LE(0);
  }

  ieee(): string {
    return ieeeOf(this.#take(8));
  }

  bytes(count: number): Buffer {
    return this.#take(count);
  }

  rest(): Buffer {
    return this.#take(this.left);
  }

  #take(count: number): Buffer {
    if (count > this.left) throw new RangeError(`${count} bytes asked for, ${this.left} left`);
    this.#position += count;
    return this.#bytes.subarray(this.#position - count, this.#position);
  }
}

/** @param bytes eight, the last one first */
export function ieeeOf(bytes: Buffer): string {
  return `0x${bytes.readBigUInt64LE(0).toString(16).padStart(16, '0')}`;
}

export function ieeeBytes(address: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(address));
  return bytes;
}
