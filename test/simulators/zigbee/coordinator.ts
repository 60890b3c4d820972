/**
 * The network processor on the stick: the network it runs, who is let in, and what it tells its host about it. The MT
 * commands are in `mt/`; this is what they act on.
 */
import type { Air, Transmitter } from './air/air.ts';
import type { Packet } from './air/packet.ts';
import { ByteWriter } from './bytes.ts';
import { hashInstallCode } from './install-code.ts';
import { IncomingMessages } from './mt/incoming-messages.ts';
import type { NetworkStore } from './mt/network-store.ts';
import type { Notify } from './mt/notify.ts';
import { DeviceState, NvItem, SYS, ZDO } from './mt/numbers.ts';
import { AddressUser, type NetworkIdentity } from './mt/nv-layout.ts';
import type { Firmware } from './mt/system-commands.ts';
import type { JoinOutcome, Node, TrustCentre } from './node.ts';

const RESET_MS = 20;
const ANNOUNCES_AFTER_MS = 30;
const ADDRESS_FIRST = 0x0001;
const ADDRESS_COUNT = 0xfff0;
const PERMIT_FOREVER = 0xff;

export class Coordinator implements TrustCentre, Transmitter {
  readonly store: NetworkStore;
  readonly air: Air;
  readonly firmware: Firmware;
  readonly notify: Notify;
  readonly incoming: IncomingMessages;
  /** What the host has registered: endpoint to simple descriptor. Gone at a reset. */
  readonly endpoints = new Map<number, Buffer>();
  readonly groups = new Set<string>();
  readonly installCodes = new Map<string, { hashed: boolean; bytes: Buffer }>();
  /** PAN ids that other networks nearby use. */
  readonly foreignPanIds = new Set<number>();
  state: number = DeviceState.hold;
  identity: NetworkIdentity | undefined;
  interPanChannel: number | undefined;
  /** No power: hears nothing, says nothing. */
  powered = true;
  /** Joins refused for want of room, whatever the tables say. */
  full = false;
  #permitUntilMs = 0;

  constructor(parts: { store: NetworkStore; air: Air; firmware: Firmware; notify: Notify }) {
    this.store = parts.store;
    this.air = parts.air;
    this.firmware = parts.firmware;
    this.notify = parts.notify;
    this.incoming = new IncomingMessages(parts.notify);
  }

  get ieee(): string {
    return this.store.ieee;
  }

  get permitsJoining(): boolean {
    return Date.now() < this.#permitUntilMs;
  }

  /** It hears its network: not without power, and not while it is tuned to Touchlink. */
  get listens(): boolean {
    return this.powered && this.interPanChannel === undefined;
  }

  nextFrameCounter(): number {
    return this.store.nextFrameCounter();
  }

  /** As after a reset: the network is known, but not run until the host says so. */
  reset(): void {
    const option = this.store.nv.item(NvItem.startupOption)?.[0] ?? 0;
    if (option !== 0) this.store.clear();
    this.endpoints.clear();
    this.groups.clear();
    this.identity = undefined;
    this.state = DeviceState.hold;
    this.#permitUntilMs = 0;
    this.interPanChannel = undefined;
    const { product, major, minor } = this.firmware;
    this.air.later(RESET_MS, () => this.notify(SYS, 0x80, Buffer.from([0, 2, product, major, minor, 1])));
  }

  /** Resumes the stored network. @returns false where there is none */
  resume(): boolean {
    this.identity = this.store.load();
    if (!this.identity) return false;
    this.#becomeCoordinator();
    return true;
  }

  form(): void {
    this.identity = this.store.form((panId) => this.foreignPanIds.has(panId));
    this.#becomeCoordinator();
  }

  /** The host moves the network to another channel: those that hear it follow. */
  moveTo(channel: number): void {
    const before = this.identity;
    if (!before) return;
    for (const node of this.air.devices.values()) {
      // those that sleep hear of it when they poll
      if (node.membership && node.hears(before)) node.membership.network = { ...before, channel };
    }
    this.identity = { ...before, channel };
    this.store.moveTo(channel);
  }

  permitJoining(seconds: number): void {
    const forMs = seconds === PERMIT_FOREVER ? Number.POSITIVE_INFINITY : seconds * 1000;
    this.#permitUntilMs = Date.now() + forMs;
    this.notify(ZDO, 0xcb, Buffer.from([seconds]));
  }

  admit(node: Node, via?: Node): JoinOutcome {
    const network = this.identity;
    if (!network || !this.listens || (via && !via.hears(network))) return 'noNetwork';
    const permitted = via ? Date.now() < via.permitJoinUntilMs || this.permitsJoining : this.permitsJoining;
    if (!permitted) return 'notPermitted';
    if (this.full) return 'networkFull';
    if (node.installCode && !this.#knowsInstallCode(node.ieee, node.installCode)) return 'keyRefused';
    const address = this.#freeAddress(node.ieee);
    const user = (via ? AddressUser.none : AddressUser.child) | AddressUser.security;
    if (!this.store.remember({ user, address, ieee: node.ieee })) return 'networkFull';
    const linkKey = node.zigbee3 ? this.store.createLinkKey(node.ieee) : undefined;
    this.#place(node, network, { address, linkKey });
    this.#tellJoined(node, via?.membership?.address ?? 0);
    return 'joined';
  }

  /** Takes in a device that was in the network before anybody looked. */
  adopt(node: Node, address: number): void {
    const network = this.identity ?? this.store.stored;
    if (!network) throw new Error('the stick has no network: start it with RadioOptions.network');
    if (!this.store.remember({ user: AddressUser.child | AddressUser.security, address, ieee: node.ieee })) {
      throw new Error(`the stick's tables take ${this.store.capacity} devices: RadioOptions.capacity`);
    }
    this.#place(node, network, { address, linkKey: undefined });
  }

  readmit(node: Node, options: { newAddress?: boolean; secured?: boolean }): JoinOutcome {
    const membership = node.membership;
    const network = this.identity;
    if (!membership || !network || !this.listens) return 'noNetwork';
    const secured = options.secured ?? true;
    if (secured && !node.hears(network)) return 'noNetwork';
    const { linkKey } = membership;
    // an unsecured rejoin: the network key comes encrypted with the link key, which both must know
    if (!secured && !(linkKey && this.store.linkKey(node.ieee)?.equals(linkKey))) return 'keyRefused';
    const address = options.newAddress ? this.#freeAddress() : membership.address;
    this.store.remember({ user: AddressUser.child | AddressUser.security, address, ieee: node.ieee });
    this.#place(node, network, { address, linkKey });
    this.#tellJoined(node, 0);
    return 'joined';
  }

  announced(node: Node): void {
    const address = node.membership?.address;
    if (address === undefined || !this.listens || !node.hears(this.identity)) return;
    const data = new ByteWriter().u16(address).u16(address).ieee(node.ieee).u8(node.capabilities).done();
    this.notify(ZDO, 0xc1, data);
  }

  gone(node: Node, rejoins: boolean): void {
    const address = node.membership?.address;
    if (address === undefined || !this.listens || !node.hears(this.identity)) return;
    if (!rejoins) this.store.forget(node.ieee);
    const data = new ByteWriter()
      .u16(address)
      .ieee(node.ieee)
      .bytes([0, 0, rejoins ? 1 : 0])
      .done();
    this.notify(ZDO, 0xc9, data);
  }

  heard(node: Node, packet: Packet): void {
    const address = node.membership?.address;
    if (address === undefined || !this.listens || !node.hears(this.identity)) return;
    if (this.endpoints.has(packet.destinationEndpoint))
      this.incoming.deliver(address, node.linkQuality, packet);
  }

  heardInterPan(node: Node, channel: number, packet: Packet): void {
    if (this.powered && this.interPanChannel === channel) {
      this.incoming.deliverInterPan(node.ieee, node.linkQuality, packet);
    }
  }

  #becomeCoordinator(): void {
    this.state = DeviceState.coordinator;
    this.air.later(0, () => this.notify(ZDO, 0xc0, Buffer.from([DeviceState.coordinator])));
  }

  #place(node: Node, network: NetworkIdentity, as: { address: number; linkKey: Buffer | undefined }): void {
    const before = node.membership?.address;
    node.membership = { network, ...as, frameCounter: 0, trustCentre: this.ieee };
    this.air.readdress(node, before, as.address);
  }

  /** The host hears of the device when it is let in, and from the device itself a little later. */
  #tellJoined(node: Node, parent: number): void {
    const address = node.membership?.address ?? 0;
    this.notify(ZDO, 0xca, new ByteWriter().u16(address).ieee(node.ieee).u16(parent).done());
    this.air.later(ANNOUNCES_AFTER_MS, () => this.announced(node));
  }

  /** Scattered over the range as a stick's are. @param ieee keeps the address that the device had */
  #freeAddress(ieee?: string): number {
    const known = ieee === undefined ? undefined : this.store.address(ieee);
    if (known) return known.address;
    for (;;) {
      const address = ADDRESS_FIRST + Math.floor(Math.random() * ADDRESS_COUNT);
      if (!this.air.isTaken(address)) return address;
    }
  }

  #knowsInstallCode(ieee: string, installCode: Buffer): boolean {
    const told = this.installCodes.get(ieee);
    if (!told) return false;
    return told.hashed ? told.bytes.equals(hashInstallCode(installCode)) : told.bytes.equals(installCode);
  }
}
