/**
 * The network as the stick keeps it in its NV memory: identity, keys, the devices' addresses and link keys, the frame
 * counter. What a host writes into these items (as it does when it restores a backup) is what the stick starts with.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { NetworkIdentity } from '../air/network-identity.ts';
import { ieeeBytes, ieeeOf } from '../bytes.ts';
import type { CoordinatorMemory } from '../coordinator-parts.ts';
import { NvItem, NvTable } from './numbers.ts';
import * as layout from './nv-layout.ts';
import type { NvMemory } from './nv-memory.ts';

/** The counter is written to NV once in so many frames, and jumps by as much at each start, so that it never repeats. */
const COUNTER_STEP = 1_250;
const SEED_BYTES = 16;
const PACKED_KEY_BYTES = 21;
const SECURITY_MATERIAL_ENTRIES = 4;
const APS_KEY_ENTRIES = 8;
const GENERIC_PAN = Buffer.alloc(8, 0xff);

export interface StoreOptions {
  /** How many devices the tables of a new stick take. */
  capacity: number;
  /** Of a new stick. */
  ieee: string;
  /** Structures without gaps, and the addresses in one item, as Z-Stack 1.2 has them. */
  packed?: boolean;
}

export class NetworkStore implements CoordinatorMemory {
  readonly #nv: NvMemory;
  readonly #packed: boolean;
  readonly #capacity: number;
  #counter = 0;
  #storedCounter = 0;
  /** Where each device stands in the tables, so that a join does not read them all. */
  #index: Map<string, number> | undefined;
  #free: number[] = [];

  constructor(nv: NvMemory, { capacity, ieee, packed = false }: StoreOptions) {
    this.#nv = nv;
    this.#packed = packed;
    if (nv.empty) this.#initialise(ieee, capacity);
    this.#capacity = nv.entries(NvTable.addressManager).length;
  }

  get nv(): NvMemory {
    return this.#nv;
  }

  get ieee(): string {
    const bytes = this.#nv.item(NvItem.extendedAddress);
    return bytes ? ieeeOf(bytes) : '0x0000000000000000';
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** The network as it is stored. Undefined where there is none. */
  get stored(): NetworkIdentity | undefined {
    const nibBytes = this.#nv.item(NvItem.nib);
    const keyInfo = this.#nv.item(NvItem.activeKeyInfo);
    if (!nibBytes || !keyInfo) return undefined;
    const { panId, extendedPanId, channel } = layout.decodeNib(nibBytes);
    if (panId === 0xffff) return undefined;
    return { panId, extendedPanId, channel, networkKey: Buffer.from(keyInfo.subarray(1, 17)) };
  }

  /** The network to resume, with its frame counter. @returns undefined where there is none */
  load(): NetworkIdentity | undefined {
    const identity = this.stored;
    if (identity) this.#loadCounter(identity.extendedPanId);
    this.#index = undefined;
    return identity;
  }

  /** Forms the network that the configuration items describe. @param isTaken a PAN id that is heard nearby */
  form(isTaken: (panId: number) => boolean): NetworkIdentity {
    const channels = this.#nv.item(NvItem.channelList)?.readUInt32LE(0) ?? 0;
    const channel = channels === 0 ? 11 : 31 - Math.clz32(channels & -channels);
    let panId = this.#nv.item(NvItem.panId)?.readUInt16LE(0) ?? 0xffff;
    while (panId === 0xffff || isTaken(panId)) panId = (panId + 1) & 0x3fff;
    const extendedPanId = Buffer.from(this.#nv.item(NvItem.extendedPanId) ?? ieeeBytes(this.ieee));
    const preconfigured = this.#nv.item(NvItem.preconfiguredKey);
    const networkKey = preconfigured?.some((byte) => byte !== 0)
      ? Buffer.from(preconfigured)
      : randomBytes(16);
    const identity = { panId, extendedPanId, channel, networkKey };
    this.put(identity);
    return identity;
  }

  /** Writes an identity as the network to run. */
  put(identity: NetworkIdentity, updateId = 0): void {
    const { panId, extendedPanId, channel, networkKey } = identity;
    const nib = { panId, extendedPanId, channel, coordinatorIeee: this.ieee, updateId };
    this.#setNib(nib);
    this.#nv.setItem(NvItem.activeKeyInfo, layout.encodeKeyInfo(networkKey));
    this.#nv.setItem(NvItem.alternateKeyInfo, layout.encodeKeyInfo(networkKey));
    const keyItem = layout.encodeNetworkKeyItem(networkKey, 0);
    this.#nv.setItem(NvItem.networkKey, this.#packed ? keyItem.subarray(0, PACKED_KEY_BYTES) : keyItem);
    this.#nv.setItem(NvItem.preconfiguredKey, networkKey);
    this.#nv.setEntry(NvTable.networkSecurityMaterial, 0, layout.encodeSecurityMaterial(0, extendedPanId));
    this.#loadCounter(extendedPanId);
  }

  moveTo(channel: number): void {
    const bytes = this.#nv.item(NvItem.nib);
    if (!bytes) return;
    const nib = layout.decodeNib(bytes);
    this.#setNib({ ...nib, channel, updateId: (nib.updateId + 1) & 0xff });
  }

  /** What `STARTUP_OPTION` 3 asks for at a reset: configuration and network state are forgotten. */
  clear(): void {
    const { ieee } = this;
    for (const id of Object.values(NvItem)) this.#nv.deleteItem(id);
    this.#initialise(ieee, this.#capacity);
  }

  nextFrameCounter(): number {
    this.#counter += 1;
    if (this.#counter - this.#storedCounter >= COUNTER_STEP) this.#storeCounter();
    return this.#counter;
  }

  addresses(): layout.AddressEntry[] {
    return this.#nv
      .entries(NvTable.addressManager)
      .map(layout.decodeAddress)
      .filter((entry) => entry !== undefined);
  }

  address(ieee: string): layout.AddressEntry | undefined {
    const at = this.#indexed().get(ieee);
    const bytes = at === undefined ? undefined : this.#nv.entry(NvTable.addressManager, at);
    return bytes && layout.decodeAddress(bytes);
  }

  addressOf(ieee: string): number | undefined {
    return this.address(ieee)?.address;
  }

  /** @returns false where there is no room */
  remember(ieee: string, address: number, isChild: boolean): boolean {
    const at = this.#indexed().get(ieee) ?? this.#free.pop();
    if (at === undefined) return false;
    this.#indexed().set(ieee, at);
    const user = layout.AddressUser.security | (isChild ? layout.AddressUser.child : 0);
    this.#nv.setEntry(NvTable.addressManager, at, layout.encodeAddress({ user, address, ieee }));
    this.#packAddresses();
    return true;
  }

  forget(ieee: string): void {
    const at = this.#indexed().get(ieee);
    if (at === undefined) return;
    this.#indexed().delete(ieee);
    this.#free.push(at);
    this.#nv.setEntry(NvTable.addressManager, at, layout.EMPTY_ADDRESS);
    this.#packAddresses();
    const keyAt = this.#keyEntryOf(ieee);
    if (keyAt >= 0) this.#nv.setEntry(NvTable.trustCentreLinkKeys, keyAt, layout.EMPTY_TRUST_CENTRE_KEY);
  }

  /** The device's link key with the trust centre, made from the seed. @returns undefined where none is known */
  linkKey(ieee: string): Buffer | undefined {
    const at = this.#keyEntryOf(ieee);
    const entry = at < 0 ? undefined : this.#nv.entry(NvTable.trustCentreLinkKeys, at);
    const seed = this.#nv.item(NvItem.trustCentreSeed);
    if (!entry || !seed) return undefined;
    const shift = entry[18] ?? 0;
    const rotated = Buffer.concat([seed.subarray(shift), seed.subarray(0, shift)]);
    const address = ieeeBytes(ieee);
    return Buffer.from(rotated.map((byte, index) => byte ^ (address[index % 8] ?? 0)));
  }

  /** Gives a device a link key. @returns undefined where the table is full */
  createLinkKey(ieee: string): Buffer | undefined {
    let at = this.#keyEntryOf(ieee);
    if (at < 0) at = this.#keyEntryOf('0x0000000000000000');
    if (at < 0) return undefined;
    const shift = (createHash('sha1').update(ieee).digest()[0] ?? 0) & 0x0f;
    this.#nv.setEntry(NvTable.trustCentreLinkKeys, at, layout.encodeTrustCentreKey(ieee, shift));
    return this.linkKey(ieee);
  }

  #setNib(nib: layout.Nib): void {
    const bytes = layout.encodeNib(nib);
    this.#nv.setItem(NvItem.nib, this.#packed ? layout.packNib(bytes) : bytes);
  }

  #packAddresses(): void {
    if (!this.#packed) return;
    const entries = this.#nv.entries(NvTable.addressManager).map(layout.packAddress);
    this.#nv.setItem(NvItem.addressManager, Buffer.concat(entries));
  }

  #keyEntryOf(ieee: string): number {
    const wanted = ieeeBytes(ieee);
    // the address stands behind the two counters
    for (let index = 0; index < this.#capacity; index += 1) {
      const entry = this.#nv.entry(NvTable.trustCentreLinkKeys, index);
      if (entry?.subarray(8, 16).equals(wanted)) return index;
    }
    return -1;
  }

  #indexed(): Map<string, number> {
    if (this.#index) return this.#index;
    this.#index = new Map();
    this.#free = [];
    for (const [at, bytes] of this.#nv.entries(NvTable.addressManager).entries()) {
      const entry = layout.decodeAddress(bytes);
      if (entry) this.#index.set(entry.ieee, at);
      else this.#free.unshift(at);
    }
    return this.#index;
  }

  #loadCounter(extendedPanId: Buffer): void {
    const entries = this.#nv.entries(NvTable.networkSecurityMaterial);
    const own = entries.find((entry) => entry.subarray(4, 12).equals(extendedPanId));
    const generic = entries.find((entry) => entry.subarray(4, 12).equals(GENERIC_PAN));
    const stored = (own ?? generic)?.readUInt32LE(0) ?? 0;
    this.#counter = stored + COUNTER_STEP;
    this.#storeCounter();
  }

  #storeCounter(): void {
    this.#storedCounter = this.#counter;
    const nib = this.#nv.item(NvItem.nib);
    if (!nib) return;
    const { extendedPanId } = layout.decodeNib(nib);
    const entry = layout.encodeSecurityMaterial(this.#counter, extendedPanId);
    this.#nv.setEntry(NvTable.networkSecurityMaterial, 0, entry);
  }

  #initialise(ieee: string, capacity: number): void {
    const nv = this.#nv;
    nv.setItem(NvItem.extendedAddress, ieeeBytes(ieee));
    nv.setItem(NvItem.startupOption, Buffer.from([0]));
    nv.setItem(NvItem.networkKey, Buffer.alloc(this.#packed ? PACKED_KEY_BYTES : 24));
    nv.setItem(NvItem.preconfiguredKey, Buffer.alloc(16));
    nv.setItem(NvItem.preconfiguredKeysEnable, Buffer.from([0]));
    nv.setItem(NvItem.activeKeyInfo, Buffer.alloc(17));
    nv.setItem(NvItem.alternateKeyInfo, Buffer.alloc(17));
    nv.setItem(NvItem.apsLinkKeyTable, layout.emptyApsLinkKeyTable(APS_KEY_ENTRIES, this.#packed));
    if (!this.#packed) nv.setItem(NvItem.trustCentreSeed, randomBytes(SEED_BYTES));
    for (let index = 0; index < capacity; index += 1) {
      nv.setEntry(NvTable.addressManager, index, layout.EMPTY_ADDRESS);
      nv.setEntry(NvTable.trustCentreLinkKeys, index, layout.EMPTY_TRUST_CENTRE_KEY);
    }
    for (let index = 0; index < APS_KEY_ENTRIES; index += 1) {
      nv.setEntry(NvTable.apsKeyData, index, layout.EMPTY_APS_KEY);
    }
    for (let index = 0; index < SECURITY_MATERIAL_ENTRIES; index += 1) {
      nv.setEntry(NvTable.networkSecurityMaterial, index, layout.EMPTY_SECURITY_MATERIAL);
    }
    this.#packAddresses();
    this.#index = undefined;
  }
}
