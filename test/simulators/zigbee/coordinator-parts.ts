/** What a coordinator is made of beside its own behaviour: what it remembers without power, and how its host is told. */
import type { NetworkIdentity } from './air/network-identity.ts';
import type { Packet } from './air/packet.ts';
import type { Node } from './node.ts';

/** What a stick keeps without power. */
export interface CoordinatorMemory {
  readonly ieee: string;
  /** Undefined for an empty one. */
  readonly stored: NetworkIdentity | undefined;
  nextFrameCounter(): number;
  moveTo(channel: number): void;
  /** The address that a device has, or had. */
  addressOf(ieee: string): number | undefined;
  /** @param isChild it has no other parent. @returns false where there is no room */
  remember(ieee: string, address: number, isChild: boolean): boolean;
  forget(ieee: string): void;
  /** The key that a device and the trust centre share; undefined where none was agreed on. */
  linkKey(ieee: string): Buffer | undefined;
}

export interface Joining {
  /** It was in the network before, and knows its key still (`secured`), or not. */
  how: 'anew' | 'secured' | 'unsecured';
  /** The network address of the one that it joined through. */
  parent: number;
}

/** What the host is told without having asked. */
export interface HostNotices {
  permitsJoining(seconds: number): void;
  joined(node: Node, address: number, joining: Joining): void;
  announced(node: Node, address: number): void;
  left(node: Node, address: number, rejoins: boolean): void;
  message(node: Node, address: number, packet: Packet): void;
  interPan(node: Node, packet: Packet): void;
}
