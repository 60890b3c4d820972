/**
 * What the NV items look like inside on an ARM stick (Z-Stack 3.x.0): structures whose 16- and 32-bit members begin at
 * even offsets ("nwk.h", "AddrMgr.h", "ZDSecMgr.h" of Z-Stack 3).
 */
import { ByteReader, ByteWriter, ieeeOf } from '../bytes.ts';

export interface Nib {
  panId: number;
  extendedPanId: Buffer;
  channel: number;
  coordinatorIeee: string;
  updateId: number;
}

const NIB_BYTES = 116;
/** Where an aligned NIB has its gaps. Sticks with Z-Stack 1.2 (8051) have none, and 110 bytes. */
const NIB_GAPS: ReadonlySet<number> = new Set([15, 21, 25, 39, 109, 115]);
const AT = { channel: 24, coordinator: 28, panId: 36, channelList: 40, extendedPanId: 57, updateId: 114 };

export function encodeNib(nib: Nib): Buffer {
  const head = new ByteWriter()
    // sequence, passive ack timeout, retries, children, depth, routers, –, delivery time, cost, discovery retries, –
    .bytes([0x10, 5, 2, 20, 15, 20, 0, 30, 0, 0, 0])
    // all frames secured at level 5, links symmetric, capabilities, –
    .bytes([1, 5, 1, 0x8f, 0])
    // persistence, protocol version, route discovery and expiry, –
    .u16(7)
    .bytes([2, 13, 30, 0])
    // own address, channel, –, coordinator's address and IEEE address
    .u16(0)
    .bytes([nib.channel, 0])
    .u16(0)
    .ieee(nib.coordinatorIeee)
    .u16(nib.panId)
    // state: router (a coordinator is one), –
    .bytes([8, 0])
    .u32((1 << nib.channel) >>> 0)
    .bytes([15, 15, 4, 0])
    .u32(0)
    .u32(0)
    .u8(0)
    .bytes(nib.extendedPanId)
    .u8(1)
    .done();
  const bytes = Buffer.alloc(NIB_BYTES);
  head.copy(bytes);
  // link status period, router age limit, multicast, concentrator with discovery time and radius, all fresh
  Buffer.from([15, 3, 0, 1, 120, 10, 1]).copy(bytes, 102);
  bytes.writeUInt8(nib.updateId, AT.updateId);
  return bytes;
}

export function packNib(aligned: Buffer): Buffer {
  return Buffer.from([...aligned].filter((_, index) => !NIB_GAPS.has(index)));
}

function unpackNib(packed: Buffer): Buffer {
  const bytes = [...packed];
  return Buffer.from(
    Array.from({ length: NIB_BYTES }, (_, index) => (NIB_GAPS.has(index) ? 0 : (bytes.shift() ?? 0))),
  );
}

/** @param stored aligned or packed */
export function decodeNib(stored: Buffer): Nib {
  const bytes = stored.length === NIB_BYTES ? stored : unpackNib(stored);
  return {
    panId: bytes.readUInt16LE(AT.panId),
    extendedPanId: Buffer.from(bytes.subarray(AT.extendedPanId, AT.extendedPanId + 8)),
    channel: bytes.readUInt8(AT.channel),
    coordinatorIeee: ieeeOf(bytes.subarray(AT.coordinator, AT.coordinator + 8)),
    updateId: bytes.readUInt8(AT.updateId),
  };
}

/** "nwkKeyDesc": sequence number and key. */
export function encodeKeyInfo(key: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0]), key]);
}

/** "nwkActiveKeyItems": sequence number, key, frame counter, 24 bytes with the gaps of an aligned structure. */
export function encodeNetworkKeyItem(key: Buffer, frameCounter: number): Buffer {
  return new ByteWriter().u8(0).bytes(key).bytes([0, 0, 0]).u32(frameCounter).done();
}

export const AddressUser = { none: 0, child: 1, security: 2 } as const;

export interface AddressEntry {
  user: number;
  address: number;
  ieee: string;
}

export const EMPTY_ADDRESS = Buffer.from('00fffeff0000000000000000', 'hex');

export function encodeAddress(entry: AddressEntry): Buffer {
  return new ByteWriter().u8(entry.user).u8(0xff).u16(entry.address).ieee(entry.ieee).done();
}

/** As Z-Stack 1.2 has it, without the gap behind the user. */
export function packAddress(aligned: Buffer): Buffer {
  return Buffer.concat([aligned.subarray(0, 1), aligned.subarray(2)]);
}

/** @returns undefined for a free entry */
export function decodeAddress(bytes: Buffer): AddressEntry | undefined {
  const reader = new ByteReader(bytes);
  const user = reader.u8();
  reader.u8();
  const address = reader.u16();
  const ieee = reader.ieee();
  const unset = ieee === '0x0000000000000000' || ieee === '0xffffffffffffffff';
  return user === AddressUser.none || unset ? undefined : { user, address, ieee };
}

/** A device's link key with the trust centre is derived from the stick's seed and a shift ("APSME_TCLKDevEntry_t"). */
export function encodeTrustCentreKey(ieee: string, seedShift: number): Buffer {
  return new ByteWriter().u32(0).u32(0).ieee(ieee).bytes([2, 0, seedShift, 0]).done();
}

export const EMPTY_TRUST_CENTRE_KEY = Buffer.alloc(20);
export const EMPTY_APS_KEY = Buffer.alloc(24);

/** "nwkSecMaterialDesc_t": frame counter and extended PAN id. */
export function encodeSecurityMaterial(frameCounter: number, extendedPanId: Buffer): Buffer {
  return new ByteWriter().u32(frameCounter).bytes(extendedPanId).done();
}

export const EMPTY_SECURITY_MATERIAL = Buffer.alloc(12);

/** "APS link key table": a count, then entries of six bytes; 0xfffe marks a free one. */
export function emptyApsLinkKeyTable(entries: number, packed: boolean): Buffer {
  const entry = packed ? [0xfe, 0xff, 0, 0, 0] : [0xfe, 0xff, 0, 0, 0, 0];
  return Buffer.from([0, 0, ...Array(entries).fill(entry).flat()]);
}
