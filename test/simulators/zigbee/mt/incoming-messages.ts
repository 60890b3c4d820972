/**
 * Application messages on their way to the host: AF_INCOMING_MSG, and AF_INCOMING_MSG_EXT for what is inter-PAN or too
 * long for one MT frame, which the host then fetches with AF_DATA_RETRIEVE ("MT API", section 3.2).
 */
import type { Packet } from '../air/packet.ts';
import { ByteWriter, ieeeBytes } from '../bytes.ts';
import type { Notify } from './notify.ts';
import { AF, Status } from './numbers.ts';

const INCOMING = 0x81;
const INCOMING_EXTENDED = 0x82;
const HEAD_BYTES = 17;
const DATA_MAX_BYTES = 220;
const INTER_PAN_ENDPOINT = 0xfe;
const HELD_MAX = 64;

export class IncomingMessages {
  readonly #notify: Notify;
  readonly #held = new Map<number, Buffer>();
  #timestamp = 0;

  constructor(notify: Notify) {
    this.#notify = notify;
  }

  deliver(address: number, linkQuality: number, packet: Packet): void {
    const { data } = packet;
    if (data.length > DATA_MAX_BYTES) {
      this.#hold(address, linkQuality, packet);
      return;
    }
    const message = Buffer.allocUnsafe(HEAD_BYTES + data.length);
    message.writeUInt16LE(packet.groupId, 0);
    message.writeUInt16LE(packet.clusterId, 2);
    message.writeUInt16LE(address, 4);
    message[6] = packet.sourceEndpoint;
    message[7] = packet.destinationEndpoint;
    message[8] = packet.broadcast ? 1 : 0;
    message[9] = linkQuality;
    message[10] = 0;
    message.writeUInt32LE(this.#now(), 11);
    message[15] = 0;
    message[16] = data.length;
    data.copy(message, HEAD_BYTES);
    this.#notify(AF, INCOMING, message);
  }

  deliverInterPan(ieee: string, linkQuality: number, packet: Packet): void {
    const head = this.#extendedHead(packet, { mode: 3, address: ieeeBytes(ieee), linkQuality }, this.#now());
    this.#notify(AF, INCOMING_EXTENDED, Buffer.concat([head, packet.data]));
  }

  /** AF_DATA_RETRIEVE: a piece of a message that is held; a length of 0 lets it go. */
  retrieve(timestamp: number, index: number, length: number): Buffer {
    const held = this.#held.get(timestamp);
    if (length === 0) this.#held.delete(timestamp);
    if (!held || index + length > held.length)
      return Buffer.from([held ? Status.success : Status.failure, 0]);
    return Buffer.concat([Buffer.from([Status.success, length]), held.subarray(index, index + length)]);
  }

  #hold(address: number, linkQuality: number, packet: Packet): void {
    const timestamp = this.#now();
    if (this.#held.size >= HELD_MAX) this.#held.clear();
    this.#held.set(timestamp, packet.data);
    const short = Buffer.alloc(8);
    short.writeUInt16LE(address);
    this.#notify(
      AF,
      INCOMING_EXTENDED,
      this.#extendedHead(packet, { mode: 2, address: short, linkQuality }, timestamp),
    );
  }

  #extendedHead(
    packet: Packet,
    from: { mode: number; address: Buffer; linkQuality: number },
    timestamp: number,
  ): Buffer {
    return new ByteWriter()
      .u16(packet.groupId)
      .u16(packet.clusterId)
      .u8(from.mode)
      .bytes(from.address)
      .u8(from.mode === 3 ? INTER_PAN_ENDPOINT : packet.sourceEndpoint)
      .u16(0)
      .u8(packet.destinationEndpoint)
      .u8(packet.broadcast ? 1 : 0)
      .u8(from.linkQuality)
      .u8(0)
      .u32(timestamp)
      .u8(0)
      .u16(packet.data.length)
      .done();
  }

  #now(): number {
    this.#timestamp = (this.#timestamp + 1) >>> 0;
    return this.#timestamp;
  }
}
