/** What the host sends, to one, to a group, to all and outside of the network, and what becomes of it (UG100, "Messaging Frames"). */
import { Delivery } from '../air/delivery.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { COORDINATOR_ADDRESS } from '../coordinator.ts';
import { ownAnswer } from '../own-zdo.ts';
import { CHANGE_CHANNEL, carryOut, ZDO_RESPONSE } from '../zdo-exchange.ts';
import { Zdo } from '../zdo-server.ts';
import { apsBytes } from './aps-frame.ts';
import type { EmberCoordinator } from './ember-coordinator.ts';
import { senderOf, type Tell } from './ember-notices.ts';
import { Frame, IncomingType, Status } from './ezsp-numbers.ts';
import { readInterPan } from './inter-pan.ts';
import { type Outgoing, packetOf, readBroadcast, readMulticast, readUnicast, zdoOf } from './outgoing.ts';

const ZDO_PROFILE = 0x0000;
const OWN_LINK_QUALITY = 255;
const ANY_ENDPOINT = 0xff;

export class MessageFrames {
  readonly #coordinator: EmberCoordinator;
  readonly #tell: Tell;
  #sequence = 0;

  constructor(coordinator: EmberCoordinator, tell: Tell) {
    this.#coordinator = coordinator;
    this.#tell = tell;
  }

  /** @returns the answer; undefined for what is no message */
  answer(id: number, taken: ByteReader): ByteWriter | undefined {
    switch (id) {
      case Frame.sendUnicast:
        return this.#accept((sequence) => this.#unicast(readUnicast(taken, sequence)));
      case Frame.sendBroadcast:
        return this.#accept((sequence) => this.#broadcast(readBroadcast(taken, sequence)));
      case Frame.sendMulticast:
        return this.#accept((sequence) => this.#multicast(readMulticast(taken, sequence)));
      case Frame.sendRawMessage:
        return this.#raw(taken);
      default:
        return undefined;
    }
  }

  #accept(send: (sequence: number) => void): ByteWriter {
    if (!this.#coordinator.identity) return new ByteWriter().u32(Status.networkDown).u8(0);
    this.#sequence = (this.#sequence + 1) & 0xff;
    send(this.#sequence);
    return new ByteWriter().u32(Status.ok).u8(this.#sequence);
  }

  #unicast(sent: Outgoing): void {
    const coordinator = this.#coordinator;
    if (sent.destination === COORDINATOR_ADDRESS) {
      this.#sent(sent);
      if (sent.aps.profileId === ZDO_PROFILE) this.#answerItself(sent);
      return;
    }
    const { air } = coordinator;
    const confirm = (result: number) =>
      this.#sent(sent, result === Delivery.success ? Status.ok : Status.notDelivered);
    if (sent.aps.profileId === ZDO_PROFILE) {
      const [sequence, request] = zdoOf(sent);
      const respond = (answer: Buffer) => {
        const node = air.device(sent.destination);
        if (node)
          coordinator.notices.zdo(
            senderOf(node, sent.destination),
            request.clusterId | ZDO_RESPONSE,
            answer,
            sequence,
          );
      };
      air.unicast(
        coordinator,
        sent.destination,
        (node) => carryOut(coordinator, node, request, respond),
        confirm,
      );
    } else {
      const packet = packetOf(sent, false);
      air.unicast(coordinator, sent.destination, (node) => node.receive(packet), confirm);
    }
  }

  #broadcast(sent: Outgoing): void {
    const coordinator = this.#coordinator;
    this.#sent(sent);
    if (sent.aps.profileId === ZDO_PROFILE) {
      this.#zdoToAll(sent);
      return;
    }
    const packet = packetOf(sent, true);
    coordinator.air.broadcast(coordinator, (node) => node.receive(packet));
    if (
      coordinator.endpoints.has(sent.aps.destinationEndpoint) ||
      sent.aps.destinationEndpoint === ANY_ENDPOINT
    )
      this.#loopBack(IncomingType.broadcastLoopback, sent);
  }

  #multicast(sent: Outgoing): void {
    const coordinator = this.#coordinator;
    this.#sent(sent);
    const packet = packetOf(sent, true);
    coordinator.air.broadcast(coordinator, (node) => node.receive(packet));
    if (coordinator.groups.has(sent.aps.groupId)) this.#loopBack(IncomingType.multicastLoopback, sent);
  }

  /** What is for all is for itself too. */
  #loopBack(type: number, { aps, data }: Outgoing): void {
    const { ieee, notices } = this.#coordinator;
    notices.incoming(type, aps, { address: COORDINATOR_ADDRESS, ieee, linkQuality: OWN_LINK_QUALITY }, data);
  }

  #zdoToAll(sent: Outgoing): void {
    const coordinator = this.#coordinator;
    const [sequence, { clusterId, payload }] = zdoOf(sent);
    if (clusterId === Zdo.permitJoining) coordinator.permitJoiningEverywhere(payload[0] ?? 0);
    else if (clusterId === Zdo.networkUpdate) this.#moveTo(new ByteReader(payload));
    else if (clusterId === Zdo.networkAddress)
      coordinator.air.broadcast(coordinator, (node) =>
        carryOut(coordinator, node, { clusterId, payload }, (answer) => {
          const sender = senderOf(node, node.membership?.address ?? 0);
          coordinator.notices.zdo(sender, clusterId | ZDO_RESPONSE, answer, sequence);
        }),
      );
  }

  /** Told to change the channel, it does, as every device that hears of it (Zigbee, 2.4.3.3.9). */
  #moveTo(payload: ByteReader): void {
    const channels = payload.u32();
    if (payload.u8() !== CHANGE_CHANNEL) return;
    this.#coordinator.moveTo(31 - Math.clz32(channels));
    this.#coordinator.notices.status(Status.channelChanged);
  }

  #answerItself(sent: Outgoing): void {
    const { ieee, notices } = this.#coordinator;
    const [sequence, { clusterId, payload }] = zdoOf(sent);
    const answer = ownAnswer(this.#coordinator, clusterId, payload);
    const self = { address: COORDINATOR_ADDRESS, ieee, linkQuality: OWN_LINK_QUALITY };
    notices.zdo(self, clusterId | ZDO_RESPONSE, answer, sequence);
  }

  #raw(taken: ByteReader): ByteWriter {
    const { air, interPanChannel } = this.#coordinator;
    const { to, clusterId, profileId, data } = readInterPan(new ByteReader(taken.bytes(taken.u8())));
    if (interPanChannel === undefined) return new ByteWriter().u32(Status.notJoined);
    const packet = { clusterId, profileId, data, sourceEndpoint: 0, destinationEndpoint: 0, groupId: 0 };
    air.interPan((node) => {
      if (to === undefined || node.ieee === to)
        node.receiveInterPan({ ...packet, broadcast: to === undefined }, interPanChannel);
    });
    return new ByteWriter().u32(Status.ok);
  }

  #sent({ type, destination, aps, tag }: Outgoing, status: number = Status.ok): void {
    const told = new ByteWriter().u32(status).u8(type).u16(destination).bytes(apsBytes(aps)).u16(tag);
    this.#tell(Frame.messageSentHandler, told.done());
  }
}
