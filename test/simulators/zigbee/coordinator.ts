/**
 * The network processor on a stick, whoever made it: the network it runs, who is let in, and what its host hears of that.
 * What its host tells it, and in which words, is in `mt/` for Z-Stack and in `ember/` for EmberZNet.
 */
import type { Air, Transmitter } from './air/air.ts';
import type { NetworkIdentity } from './air/network-identity.ts';
import type { Packet } from './air/packet.ts';
import type { CoordinatorMemory, HostNotices, Joining } from './coordinator-parts.ts';
import type { JoinOutcome, Node, TrustCentre } from './node.ts';

const ANNOUNCES_AFTER_MS = 30;
const ADDRESS_FIRST = 0x0001;
const ADDRESS_COUNT = 0xfff0;
const PERMIT_FOREVER = 0xff;
/** The network address of each coordinator. */
export const COORDINATOR_ADDRESS = 0x0000;

export abstract class Coordinator implements TrustCentre, Transmitter {
  readonly air: Air;
  readonly memory: CoordinatorMemory;
  /** What the host has registered: endpoint to simple descriptor. Gone at a reset. */
  readonly endpoints = new Map<number, Buffer>();
  identity: NetworkIdentity | undefined;
  interPanChannel: number | undefined;
  /** No power: hears nothing, says nothing. */
  powered = true;
  /** Joins refused for want of room, whatever the tables say. */
  full = false;
  protected readonly notices: HostNotices;
  #permitUntilMs = 0;

  constructor({ air, memory, notices }: { air: Air; memory: CoordinatorMemory; notices: HostNotices }) {
    this.air = air;
    this.memory = memory;
    this.notices = notices;
  }

  get ieee(): string {
    return this.memory.ieee;
  }

  get permitsJoining(): boolean {
    return Date.now() < this.#permitUntilMs;
  }

  /** It hears its network: not without power, and not while it is tuned to Touchlink. */
  get listens(): boolean {
    return this.powered && this.interPanChannel === undefined;
  }

  /** The devices that are in its network and can be heard. */
  get members(): Node[] {
    return [...this.air.devices.values()].filter((node) => node.hears(this.identity));
  }

  nextFrameCounter(): number {
    return this.memory.nextFrameCounter();
  }

  /** As after a reset: the network is known, but not run until the host says so. */
  reset(): void {
    this.endpoints.clear();
    this.identity = undefined;
    this.#permitUntilMs = 0;
    this.interPanChannel = undefined;
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
    this.memory.moveTo(channel);
  }

  permitJoining(seconds: number): void {
    const forMs = seconds === PERMIT_FOREVER ? Number.POSITIVE_INFINITY : seconds * 1000;
    this.#permitUntilMs = Date.now() + forMs;
    this.notices.permitsJoining(seconds);
  }

  /** The host has every router let devices in, or none any more. */
  permitJoiningEverywhere(seconds: number): void {
    this.air.broadcast(this, (node) => {
      node.permitJoinUntilMs = node.kind.router ? Date.now() + seconds * 1000 : 0;
    });
  }

  admit(node: Node, via?: Node): JoinOutcome {
    const network = this.identity;
    if (!network || !this.listens || (via && !via.hears(network))) return 'noNetwork';
    const permitted = via ? Date.now() < via.permitJoinUntilMs || this.permitsJoining : this.permitsJoining;
    if (!permitted) return 'notPermitted';
    if (this.full) return 'networkFull';
    const address = this.#freeAddress(node.ieee);
    const joining = { how: 'anew', parent: via?.membership?.address ?? COORDINATOR_ADDRESS } as const;
    const refusal = this.judge(node, address, joining);
    if (refusal !== undefined) return refusal;
    if (!this.memory.remember(node.ieee, address, via === undefined)) return 'networkFull';
    this.#place(node, network, { address, linkKey: this.firstLinkKey(node) });
    this.#tellJoined(node, joining);
    this.welcomed(node);
    return 'joined';
  }

  /** Takes in a device that was in the network before anybody looked. */
  adopt(node: Node, address: number): void {
    const network = this.identity ?? this.memory.stored;
    if (!network) throw new Error('the stick has no network');
    if (!this.memory.remember(node.ieee, address, true))
      throw new Error("the stick's tables take no more devices");
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
    if (!secured && !(linkKey && this.memory.linkKey(node.ieee)?.equals(linkKey))) return 'keyRefused';
    const address = options.newAddress ? this.#freeAddress() : membership.address;
    this.memory.remember(node.ieee, address, true);
    this.#place(node, network, { address, linkKey });
    this.#tellJoined(node, { how: secured ? 'secured' : 'unsecured', parent: COORDINATOR_ADDRESS });
    return 'joined';
  }

  announced(node: Node): void {
    const address = this.#addressOfHeard(node);
    if (address !== undefined) this.notices.announced(node, address);
  }

  gone(node: Node, rejoins: boolean): void {
    const address = this.#addressOfHeard(node);
    if (address === undefined) return;
    if (!rejoins) this.memory.forget(node.ieee);
    this.notices.left(node, address, rejoins);
  }

  heard(node: Node, packet: Packet): void {
    const address = this.#addressOfHeard(node);
    if (address !== undefined && this.endpoints.has(packet.destinationEndpoint))
      this.notices.message(node, address, packet);
  }

  heardInterPan(node: Node, channel: number, packet: Packet): void {
    if (this.powered && this.interPanChannel === channel) this.notices.interPan(node, packet);
  }

  /** Whether one that asks is let in. @returns undefined where it is */
  protected abstract judge(node: Node, address: number, joining: Joining): JoinOutcome | undefined;

  /** The key that it is given with the network's, where it is given one at once. */
  protected abstract firstLinkKey(node: Node): Buffer | undefined;

  /** It has the network's key. */
  protected welcomed(_node: Node): void {}

  #addressOfHeard(node: Node): number | undefined {
    return this.listens && node.hears(this.identity) ? node.membership?.address : undefined;
  }

  #place(node: Node, network: NetworkIdentity, as: { address: number; linkKey: Buffer | undefined }): void {
    const before = node.membership?.address;
    node.membership = { network, ...as, frameCounter: 0, trustCentre: this.ieee };
    this.air.readdress(node, before, as.address);
  }

  /** The host hears of the device when it is let in, and from the device itself a little later. */
  #tellJoined(node: Node, joining: Joining): void {
    this.notices.joined(node, node.membership?.address ?? 0, joining);
    this.air.later(ANNOUNCES_AFTER_MS, () => this.announced(node));
  }

  /** Scattered over the range as a stick's are. @param ieee keeps the address that the device had */
  #freeAddress(ieee?: string): number {
    const known = ieee === undefined ? undefined : this.memory.addressOf(ieee);
    if (known !== undefined) return known;
    for (;;) {
      const address = ADDRESS_FIRST + Math.floor(Math.random() * ADDRESS_COUNT);
      if (!this.air.isTaken(address)) return address;
    }
  }
}
