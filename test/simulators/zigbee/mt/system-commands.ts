/** MT SYS: ping, version, address, reset, NV items and extended NV ("Z-Stack Monitor and Test API", section 3.12). */
import { type ByteReader, ByteWriter, ieeeBytes } from '../bytes.ts';
import { NV_SYSTEM_ZSTACK, NvItem, Status } from './numbers.ts';
import type { NvMemory } from './nv-memory.ts';

/** What one response carries at most of an item. */
const CHUNK_BYTES = 240;
const CAPABILITIES = 0x0659;

export interface Firmware {
  /** 0: Z-Stack Home 1.2 · 1: Z-Stack 3.x.0 · 2: Z-Stack 3.0.x */
  product: number;
  major: number;
  minor: number;
  maintenance: number;
  revision: number;
}

/** The response to a synchronous SYS request. @returns undefined where the firmware does not know the command */
export function systemCommand(
  nv: NvMemory,
  firmware: Firmware,
  command: number,
  reader: ByteReader,
): Buffer | undefined {
  switch (command) {
    case 0x01:
      return new ByteWriter().u16(CAPABILITIES).done();
    case 0x02: {
      const { product, major, minor, maintenance, revision } = firmware;
      return new ByteWriter().bytes([2, product, major, minor, maintenance]).u32(revision).done();
    }
    case 0x03:
      nv.setItem(NvItem.extendedAddress, ieeeBytes(reader.ieee()));
      return status(Status.success);
    case 0x04:
      return nv.item(NvItem.extendedAddress) ?? Buffer.alloc(8);
    case 0x07:
      return initialiseItem(nv, reader);
    case 0x08:
      return readItem(nv.item(reader.u16()), reader.u8());
    case 0x09:
      return writeItem(nv, reader.u16(), reader.u8(), reader.bytes(reader.u8()));
    case 0x0f:
      // stack tune: the transmit power that was asked for
      reader.u8();
      return Buffer.from([reader.u8()]);
    case 0x12:
      return deleteItem(nv, reader.u16(), reader.u16());
    case 0x13:
      return new ByteWriter().u16(nv.item(reader.u16())?.length ?? 0).done();
    case 0x1c:
      return readItem(nv.item(reader.u16()), reader.u16());
    case 0x1d:
      return writeItem(nv, reader.u16(), reader.u16(), reader.bytes(reader.u16()));
    default:
      return firmware.product === 0 ? undefined : extendedNv(nv, command, reader);
  }
}

function extendedNv(nv: NvMemory, command: number, reader: ByteReader): Buffer | undefined {
  if (command < 0x30 || command > 0x35) return undefined;
  const known = reader.u8() === NV_SYSTEM_ZSTACK;
  const item = reader.u16();
  const subItem = reader.u16();
  const entry = known ? nv.entry(item, subItem) : undefined;
  switch (command) {
    case 0x30:
      if (entry) return status(Status.nvOperationFailed);
      nv.setEntry(item, subItem, Buffer.alloc(reader.u32()));
      return status(Status.success);
    case 0x31:
      nv.deleteEntry(item, subItem);
      return status(entry ? Status.success : Status.nvItemUninitialised);
    case 0x32:
      return Buffer.from([entry?.length ?? 0]);
    case 0x33: {
      const offset = reader.u16();
      return readItem(entry?.subarray(0, offset + reader.u8()), offset);
    }
    default: {
      const offset = command === 0x34 ? reader.u16() : 0;
      const value = reader.bytes(reader.u8());
      if (!entry || offset + value.length > entry.length) return status(Status.nvOperationFailed);
      nv.setEntry(item, subItem, spliced(entry, offset, value));
      return status(Status.success);
    }
  }
}

function initialiseItem(nv: NvMemory, reader: ByteReader): Buffer {
  const id = reader.u16();
  const length = reader.u16();
  const first = reader.bytes(reader.u8());
  if (nv.item(id)) return status(Status.success);
  nv.setItem(id, Buffer.concat([first, Buffer.alloc(Math.max(0, length - first.length))]));
  return status(Status.nvItemUninitialised);
}

function readItem(item: Buffer | undefined, offset: number): Buffer {
  if (!item || offset >= item.length) return Buffer.from([Status.nvOperationFailed, 0]);
  const value = item.subarray(offset, offset + CHUNK_BYTES);
  return Buffer.concat([Buffer.from([Status.success, value.length]), value]);
}

function writeItem(nv: NvMemory, id: number, offset: number, value: Buffer): Buffer {
  const item = nv.item(id);
  if (!item) return status(Status.nvOperationFailed);
  if (offset + value.length > item.length) return status(Status.nvBadItemLength);
  nv.setItem(id, spliced(item, offset, value));
  return status(Status.success);
}

function deleteItem(nv: NvMemory, id: number, length: number): Buffer {
  const item = nv.item(id);
  if (!item) return status(Status.nvItemUninitialised);
  if (item.length !== length) return status(Status.nvBadItemLength);
  nv.deleteItem(id);
  return status(Status.success);
}

function spliced(item: Buffer, offset: number, value: Buffer): Buffer {
  const whole = Buffer.from(item);
  value.copy(whole, offset);
  return whole;
}

export function status(value: number): Buffer {
  return Buffer.from([value]);
}
