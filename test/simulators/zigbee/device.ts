/**
 * A device in the air: joins, is interviewed, bound, read, written, commanded, and leaves. What it is made of (its
 * endpoints and clusters) is said by the classes in `devices/`. It knows nothing of how the stick
 * speaks with its host.
 */
import type { NetworkIdentity } from './air/network-identity.ts';
import type { Packet } from './air/packet.ts';
import type { DeviceEndpoint, EndpointHost } from './endpoint.ts';
import { Faults } from './faults.ts';
import type { DeviceKind, JoinOutcome, Medium, Membership, Node, TrustCentre } from './node.ts';
import { receiveZcl } from './zcl/receive.ts';
import { answerZdo } from './zdo-server.ts';

export interface DeviceOptions {
  /** `0x` and sixteen digits; made up from a counter where it is missing. */
  ieee?: string;
  /** How often a device that sleeps polls its parent, in milliseconds. 0: it is always awake. */
  pollMs?: number;
  /** 18 bytes with CRC, as printed on the device: it then joins only if the coordinator was told it. */
  installCode?: Buffer;
  /** Exchanges a link key with the trust centre, as Zigbee 3.0 devices do. */
  zigbee3?: boolean;
}

/** How long a device that sleeps stays awake after it joined, or after it said something. */
const AWAKE_AFTER_JOIN_MS = 10_000;
const AWAKE_AFTER_REPORT_MS = 300;
let madeUp = 0;

export class SimulatedDevice implements Node, EndpointHost {
  readonly ieee: string;
  readonly kind: DeviceKind;
  readonly endpoints: DeviceEndpoint[] = [];
  readonly faults = new Faults();
  readonly installCode: Buffer | undefined;
  readonly zigbee3: boolean;
  pollMs: number;
  membership: Membership | undefined;
  powered = true;
  linkQuality = 120;
  /** What the stick hears instead of an acknowledgement, while it is set: 0xe9 is none at all. See `air/delivery.ts`. */
  failureStatus: number | undefined;
  /** A router lets devices in until then. */
  permitJoinUntilMs = 0;
  #air: Medium | undefined;
  #trustCentre: TrustCentre | undefined;
  #awakeUntilMs = 0;
  #sequence = 0;
  #seeking: NodeJS.Timeout | undefined;

  constructor(kind: DeviceKind, options: DeviceOptions = {}) {
    this.kind = kind;
    madeUp += 1;
    this.ieee = options.ieee ?? `0x00158d00${madeUp.toString(16).padStart(8, '0')}`;
    this.pollMs = options.pollMs ?? 0;
    this.installCode = options.installCode;
    this.zigbee3 = options.zigbee3 ?? true;
  }

  /** Called by the radio when the device is put into its range. */
  placed(air: Medium, trustCentre: TrustCentre): void {
    this.#air = air;
    this.#trustCentre = trustCentre;
  }

  get air(): Medium {
    if (!this.#air) throw new Error(`${this.ieee} is in no radio's range: radio.add(device) first`);
    return this.#air;
  }

  get trustCentre(): TrustCentre {
    if (!this.#trustCentre) throw new Error(`${this.ieee} is in no radio's range: radio.add(device) first`);
    return this.#trustCentre;
  }

  get coordinatorIeee(): string | undefined {
    return this.membership?.trustCentre;
  }

  get joined(): boolean {
    return this.membership !== undefined;
  }

  /** MAC capabilities (Zigbee, 3.2.2.4): router, mains, receiver on, address allocated. */
  get capabilities(): number {
    const { router, mains } = this.kind;
    return 0x80 | (router ? 0x02 : 0) | (mains ? 0x04 : 0) | (this.pollMs === 0 ? 0x08 : 0);
  }

  endpoint(id: number): DeviceEndpoint {
    const endpoint = this.endpoints.find((known) => known.id === id);
    if (!endpoint) throw new Error(`${this.ieee} has no endpoint ${id}`);
    return endpoint;
  }

  /** Asks to be let in, once. @param via the router to join through; the coordinator where it is missing */
  join(via?: Node): JoinOutcome {
    this.powered = true;
    this.reset();
    const outcome = this.trustCentre.admit(this, via);
    if (outcome === 'joined') this.stayAwake(AWAKE_AFTER_JOIN_MS);
    return outcome;
  }

  /** Asks again and again until it is let in, as a device does that was just reset. */
  seek(everyMs = 200, forMs = 60_000): void {
    clearInterval(this.#seeking);
    const endsAtMs = Date.now() + forMs;
    this.#seeking = setInterval(() => {
      if (Date.now() > endsAtMs || !this.powered || this.joined || this.join() === 'joined') {
        clearInterval(this.#seeking);
      }
    }, everyMs).unref();
  }

  /** Comes back into the network that it knows, perhaps with another address, and announces itself. */
  rejoin(options: { newAddress?: boolean; secured?: boolean } = {}): JoinOutcome {
    this.powered = true;
    const outcome = this.trustCentre.readmit(this, options);
    if (outcome === 'joined') this.stayAwake(AWAKE_AFTER_JOIN_MS);
    return outcome;
  }

  announce(): void {
    this.trustCentre.announced(this);
  }

  /** Leaves of its own will (a long press, a reset). */
  leave(options: { rejoin?: boolean } = {}): void {
    if (!this.membership) return;
    this.trustCentre.gone(this, options.rejoin === true);
    if (!options.rejoin) this.reset();
  }

  /** Loses power: says nothing any more, and forgets nothing. */
  switchOff(): void {
    this.powered = false;
  }

  switchOn(): void {
    this.powered = true;
    if (this.membership) this.announce();
  }

  hears(network: NetworkIdentity | undefined): boolean {
    const known = this.membership?.network;
    return (
      this.powered &&
      known !== undefined &&
      network !== undefined &&
      known.channel === network.channel &&
      known.panId === network.panId &&
      known.extendedPanId.equals(network.extendedPanId) &&
      known.networkKey.equals(network.networkKey)
    );
  }

  /** Frames with a counter that did not grow are thrown away (Zigbee, 4.3.1.2). */
  accepts(frameCounter: number): boolean {
    const membership = this.membership;
    if (!membership || frameCounter <= membership.frameCounter) return false;
    membership.frameCounter = frameCounter;
    return true;
  }

  stayAwake(ms: number): void {
    this.#awakeUntilMs = Math.max(this.#awakeUntilMs, Date.now() + ms);
  }

  /** It need not stay awake any longer. */
  sleep(): void {
    this.#awakeUntilMs = 0;
  }

  /** Milliseconds until the device listens next. Polls come in a fixed rhythm, so that no timer runs for them. */
  pollsInMs(): number {
    const nowMs = Date.now();
    if (this.pollMs === 0 || nowMs < this.#awakeUntilMs) return 0;
    return this.pollMs - (nowMs % this.pollMs);
  }

  receive(packet: Packet): void {
    if (this.faults.at('everything')) return;
    for (const endpoint of this.endpoints) {
      const forGroup = packet.groupId !== 0 && endpoint.groups.has(packet.groupId);
      const forAll = packet.broadcast && packet.groupId === 0;
      const meant = packet.destinationEndpoint === endpoint.id || packet.destinationEndpoint === 0xff;
      if (
        forGroup ||
        (packet.groupId === 0 && (forAll ? meant : endpoint.id === packet.destinationEndpoint))
      ) {
        receiveZcl(this, endpoint, packet);
      }
    }
  }

  /** Touchlink, for devices that have it. */
  receiveInterPan(_packet: Packet, _channel: number): void {}

  answerZdo(clusterId: number, payload: Buffer): Buffer | undefined {
    return answerZdo(this, clusterId, payload);
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) & 0xff;
    return this.#sequence;
  }

  /** To the coordinator. Lost where the stick does not hear it. */
  send(packet: Packet): void {
    if (!this.powered || !this.membership) return;
    this.stayAwake(AWAKE_AFTER_REPORT_MS);
    this.trustCentre.heard(this, packet);
  }

  sendTo(target: { ieee: string } | { groupId: number }, packet: Packet): void {
    if (this.powered && this.membership) this.air.between(this, target, packet);
  }

  /** Factory state: no network, no bindings, no groups. Overridden by devices that have more to forget. */
  reset(): void {
    const before = this.membership?.address;
    this.membership = undefined;
    this.air.readdress(this, before, undefined);
    for (const endpoint of this.endpoints) endpoint.reset();
  }

  stop(): void {
    clearInterval(this.#seeking);
    for (const endpoint of this.endpoints) endpoint.stop();
  }
}
