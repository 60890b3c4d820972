/** What the air and the coordinator see of a device, and a device of them: the seam between the three. */
import type { NetworkIdentity } from './air/network-identity.ts';
import type { Packet } from './air/packet.ts';

export interface DeviceKind {
  manufacturerCode: number;
  mains: boolean;
  router: boolean;
}

export interface Membership {
  network: NetworkIdentity;
  address: number;
  /** The last frame counter heard: older ones are replays. */
  frameCounter: number;
  linkKey: Buffer | undefined;
  /** The coordinator's IEEE address. */
  trustCentre: string;
}

export interface Node {
  readonly ieee: string;
  readonly kind: DeviceKind;
  readonly capabilities: number;
  readonly installCode: Buffer | undefined;
  readonly zigbee3: boolean;
  readonly powered: boolean;
  readonly linkQuality: number;
  readonly failureStatus: number | undefined;
  membership: Membership | undefined;
  permitJoinUntilMs: number;
  hears(network: NetworkIdentity | undefined): boolean;
  accepts(frameCounter: number): boolean;
  pollsInMs(): number;
  receive(packet: Packet): void;
  receiveInterPan(packet: Packet, channel: number): void;
  /** @returns the ZDO response's payload, or undefined where none comes */
  answerZdo(clusterId: number, payload: Buffer): Buffer | undefined;
  leave(options?: { rejoin?: boolean }): void;
  stop(): void;
}

/**
 * `noNetwork`: the stick is off or has no network · `notPermitted`: nobody lets devices in now · `networkFull`: no room
 * in the coordinator's tables · `keyRefused`: the device could not read the network key (an install code that the
 * coordinator was not told), or the coordinator does not know its link key
 */
export type JoinOutcome = 'joined' | 'noNetwork' | 'notPermitted' | 'networkFull' | 'keyRefused';

/** The coordinator as devices see it. */
export interface TrustCentre {
  admit(node: Node, via?: Node): JoinOutcome;
  readmit(node: Node, options: { newAddress?: boolean; secured?: boolean }): JoinOutcome;
  announced(node: Node): void;
  gone(node: Node, rejoins: boolean): void;
  heard(node: Node, packet: Packet): void;
  /** Inter-PAN, to a stick that listens on the channel. */
  heardInterPan(node: Node, channel: number, packet: Packet): void;
}

/** The air as devices see it. */
export interface Medium {
  readdress(node: Node, before: number | undefined, after: number | undefined): void;
  between(from: Node, to: { ieee: string } | { groupId: number }, packet: Packet): void;
}
