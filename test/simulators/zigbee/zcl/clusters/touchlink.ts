/** Touchlink commissioning (0x1000, ZCL 8, 13.3) as a bulb has it: scan, identify, reset to factory new. */
import type { Packet } from '../../air/packet.ts';
import { ByteReader, ByteWriter } from '../../bytes.ts';
import type { Membership } from '../../node.ts';
import { decodeZcl, encodeZcl } from '../frame.ts';

export const TOUCHLINK = 0x1000;
const FACTORY_NEW_CHANNEL = 11;
const Command = { scan: 0x00, scanResponse: 0x01, identify: 0x06, reset: 0x07 };

export interface TouchlinkHost {
  readonly membership: Membership | undefined;
  answer(channel: number, data: Buffer): void;
  identify(seconds: number): void;
  reset(): void;
}

export class Touchlink {
  readonly #host: TouchlinkHost;
  readonly #deviceId: number;
  #transaction: number | undefined;

  constructor(host: TouchlinkHost, deviceId: number) {
    this.#host = host;
    this.#deviceId = deviceId;
  }

  receive(packet: Packet, channel: number): void {
    const { membership } = this.#host;
    if (packet.clusterId !== TOUCHLINK) return;
    if (channel !== (membership?.network.channel ?? FACTORY_NEW_CHANNEL)) return;
    const frame = decodeZcl(packet.data);
    const reader = new ByteReader(frame.payload);
    const transaction = reader.u32();
    if (frame.command === Command.scan) {
      this.#transaction = transaction;
      const reply = {
        global: false,
        manufacturerCode: undefined,
        fromServer: true,
        disableDefaultResponse: true,
      };
      const payload = this.#scanResponse(transaction, channel);
      const { sequence } = frame;
      this.#host.answer(channel, encodeZcl({ ...reply, sequence, command: Command.scanResponse, payload }));
      return;
    }
    // only the one that has just scanned may go on
    if (transaction !== this.#transaction) return;
    if (frame.command === Command.identify) this.#host.identify(reader.u16());
    if (frame.command === Command.reset) this.#host.reset();
  }

  #scanResponse(transaction: number, channel: number): Buffer {
    const { membership } = this.#host;
    return (
      new ByteWriter()
        .u32(transaction)
        // signal correction, "router with receiver on", factory new or not, keys: development and master
        .bytes([0, 0x05, membership ? 0x10 : 0x11])
        .u16(0x0012)
        .u32(0x1234_5678)
        .bytes(membership?.network.extendedPanId ?? Buffer.alloc(8))
        .bytes([0, channel])
        .u16(membership?.network.panId ?? 0xffff)
        .u16(membership?.address ?? 0xffff)
        // one sub-device: its endpoint, profile, device, version, groups
        .bytes([1, 0, 1])
        .u16(0x0104)
        .u16(this.#deviceId)
        .bytes([2, 0])
        .done()
    );
  }
}
