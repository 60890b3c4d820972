/** ZCL data types that the simulated devices use, and how their values look on the wire (ZCL 8, 2.6.2). */
import type { ByteReader } from '../bytes.ts';
import { ByteWriter } from '../bytes.ts';

export const Type = {
  noData: 0x00,
  boolean: 0x10,
  bitmap8: 0x18,
  bitmap16: 0x19,
  bitmap32: 0x1b,
  uint8: 0x20,
  uint16: 0x21,
  uint24: 0x22,
  uint32: 0x23,
  uint40: 0x24,
  uint48: 0x25,
  uint64: 0x27,
  int8: 0x28,
  int16: 0x29,
  int24: 0x2a,
  int32: 0x2b,
  enum8: 0x30,
  enum16: 0x31,
  single: 0x39,
  octets: 0x41,
  text: 0x42,
  array: 0x48,
  structure: 0x4c,
  utc: 0xe2,
  clusterId: 0xe8,
  ieee: 0xf0,
} as const;

export type Value = number | bigint | boolean | string | Buffer;

/** Bytes of a type of fixed length. */
const LENGTH = new Map<number, number>([
  [Type.noData, 0],
  [Type.boolean, 1],
  [Type.bitmap8, 1],
  [Type.bitmap16, 2],
  [Type.bitmap32, 4],
  [Type.uint8, 1],
  [Type.uint16, 2],
  [Type.uint24, 3],
  [Type.uint32, 4],
  [Type.uint40, 5],
  [Type.uint48, 6],
  [Type.uint64, 8],
  [Type.int8, 1],
  [Type.int16, 2],
  [Type.int24, 3],
  [Type.int32, 4],
  [Type.enum8, 1],
  [Type.enum16, 2],
  [Type.single, 4],
  [Type.utc, 4],
  [Type.clusterId, 2],
  [Type.ieee, 8],
]);

const SIGNED: ReadonlySet<number> = new Set([Type.int8, Type.int16, Type.int24, Type.int32]);
/** Types whose change is measured against a reportable change; the others are discrete (ZCL 8, 2.6.2, table 2-11). */
const ANALOG_FIRST = 0x20;
const ANALOG_LAST = 0x3a;

export function isAnalog(type: number): boolean {
  const enumeration = type === Type.enum8 || type === Type.enum16;
  return ((type >= ANALOG_FIRST && type <= ANALOG_LAST) || type === Type.utc) && !enumeration;
}

/** @param value a structure or array is given as the bytes it has on the wire */
export function encodeValue(type: number, value: Value): Buffer {
  if (type === Type.text || type === Type.octets) {
    const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value));
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  }
  if (Buffer.isBuffer(value)) return value;
  if (type === Type.ieee) return new ByteWriter().ieee(String(value)).done();
  const length = LENGTH.get(type);
  if (length === undefined) throw new Error(`data type 0x${type.toString(16)} has no encoding here`);
  const bytes = Buffer.alloc(length);
  if (type === Type.single) bytes.writeFloatLE(Number(value));
  else if (length === 8) bytes.writeBigUInt64LE(BigInt(value));
  else if (SIGNED.has(type)) bytes.writeIntLE(Number(value), 0, length);
  else if (length > 0) bytes.writeUIntLE(Number(value), 0, length);
  return bytes;
}

/** @throws RangeError where the bytes end too early, Error for a type of unknown length */
export function decodeValue(type: number, reader: ByteReader): Value {
  if (type === Type.text || type === Type.octets) {
    const length = reader.u8();
    const bytes = reader.bytes(length === 0xff ? 0 : length);
    return type === Type.text ? bytes.toString() : Buffer.from(bytes);
  }
  if (type === Type.ieee) return reader.ieee();
  const length = LENGTH.get(type);
  if (length === undefined) throw new Error(`data type 0x${type.toString(16)} has no known length`);
  if (length === 0) return 0;
  if (type === Type.single) return reader.bytes(4).readFloatLE(0);
  if (length === 8) return reader.u64();
  const bytes = reader.bytes(length);
  if (type === Type.boolean) return bytes[0] === 1;
  return SIGNED.has(type) ? bytes.readIntLE(0, length) : bytes.readUIntLE(0, length);
}
