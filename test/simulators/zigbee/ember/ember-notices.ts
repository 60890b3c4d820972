/** What an EmberZNet stick tells its host without having been asked: EZSP's handlers (UG100). */
import type { Packet } from '../air/packet.ts';
import { ByteWriter } from '../bytes.ts';
import type { HostNotices, Joining } from '../coordinator-parts.ts';
import type { Node } from '../node.ts';
import { type ApsFrame, apsBytes, type Sender, senderBytes } from './aps-frame.ts';
import { DeviceUpdate, Frame, IncomingType, JoinDecision, Status } from './ezsp-numbers.ts';
import { interPanBytes } from './inter-pan.ts';

/** Tells the host, once the command that brought it about has been answered. */
export type Tell = (frame: number, parameters: Buffer) => void;

const DEVICE_ANNOUNCE = 0x0013;
const NO_PARENT = 0xffff;
const TOUCHLINK_FILTER = 0;
const UPDATES = {
  anew: DeviceUpdate.unsecuredJoin,
  secured: DeviceUpdate.securedRejoin,
  unsecured: DeviceUpdate.unsecuredRejoin,
};
const ZDO: ApsFrame = {
  profileId: 0,
  clusterId: 0,
  sourceEndpoint: 0,
  destinationEndpoint: 0,
  options: 0,
  groupId: 0,
  sequence: 0,
};

export class EmberNotices implements HostNotices {
  readonly #tell: Tell;
  readonly #ieee: string;
  #zdoSequence = 0;

  /** @param ieee the stick's own */
  constructor(ieee: string, tell: Tell) {
    this.#ieee = ieee;
    this.#tell = tell;
  }

  status(status: number): void {
    this.#tell(Frame.stackStatusHandler, new ByteWriter().u32(status).done());
  }

  permitsJoining(seconds: number): void {
    this.status(seconds === 0 ? Status.networkClosed : Status.networkOpened);
  }

  joined(node: Node, address: number, { how, parent }: Joining): void {
    const decision = how === 'secured' ? JoinDecision.none : JoinDecision.usePreconfiguredKey;
    this.#update(node, address, { update: UPDATES[how], decision, parent });
  }

  /** The trust centre has not given it the network's key. */
  denied(node: Node, address: number, { how, parent }: Joining): void {
    this.#update(node, address, { update: UPDATES[how], decision: JoinDecision.deny, parent });
  }

  announced(node: Node, address: number): void {
    const { ieee, capabilities } = node;
    const said = new ByteWriter().u16(address).ieee(ieee).u8(capabilities).done();
    this.zdo(senderOf(node, address), DEVICE_ANNOUNCE, said);
  }

  left(node: Node, address: number, rejoins: boolean): void {
    if (rejoins) return;
    const { left: update } = DeviceUpdate;
    this.#update(node, address, { update, decision: JoinDecision.none, parent: NO_PARENT });
  }

  message(node: Node, address: number, packet: Packet): void {
    const type =
      packet.groupId !== 0
        ? IncomingType.multicast
        : packet.broadcast
          ? IncomingType.broadcast
          : IncomingType.unicast;
    this.incoming(type, { ...packet, options: 0, sequence: 0 }, senderOf(node, address), packet.data);
  }

  interPan({ ieee, linkQuality }: Node, { clusterId, profileId, data }: Packet): void {
    const frame = interPanBytes(ieee, { to: this.#ieee, clusterId, profileId, data });
    const told = new ByteWriter()
      .bytes([TOUCHLINK_FILTER, 0])
      .bytes(senderBytes({ address: NO_PARENT, ieee, linkQuality }))
      .u8(frame.length)
      .bytes(frame);
    this.#tell(Frame.macFilterMatchHandler, told.done());
  }

  /** A ZDO response, or what a device says of itself: the transaction number is put before it. */
  zdo(sender: Sender, clusterId: number, payload: Buffer, sequence?: number): void {
    this.#zdoSequence = (this.#zdoSequence + 1) & 0xff;
    const data = Buffer.concat([Buffer.from([sequence ?? this.#zdoSequence]), payload]);
    const type = clusterId === DEVICE_ANNOUNCE ? IncomingType.broadcast : IncomingType.unicast;
    this.incoming(type, { ...ZDO, clusterId }, sender, data);
  }

  incoming(type: number, aps: ApsFrame, sender: Sender, data: Buffer): void {
    const told = new ByteWriter().u8(type).bytes(apsBytes(aps)).bytes(senderBytes(sender));
    this.#tell(Frame.incomingMessageHandler, told.u8(data.length).bytes(data).done());
  }

  #update(
    { ieee }: Node,
    address: number,
    { update, decision, parent }: { update: number; decision: number; parent: number },
  ): void {
    const told = new ByteWriter().u16(address).ieee(ieee).u8(update).u8(decision).u16(parent);
    this.#tell(Frame.trustCentreJoinHandler, told.done());
  }
}

export function senderOf({ ieee, linkQuality }: Node, address: number): Sender {
  return { address, ieee, linkQuality };
}
