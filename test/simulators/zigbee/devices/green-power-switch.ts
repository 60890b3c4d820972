/**
 * A switch without a battery: Philips Hue tap. It is no node of the network: what it radiates when it is pressed is taken
 * up by mains devices near it (proxies) and passed on, and by the coordinator only while it lets devices in (Zigbee Green
 * Power, 14-0563-19, A.3.3.4). Nothing can be sent to it.
 */
import { randomBytes } from 'node:crypto';
import { ByteWriter } from '../bytes.ts';
import type { SimulatedDevice } from '../device.ts';
import type { SimulatedStick } from '../stick.ts';

const GREEN_POWER = 0x0021;
const ENDPOINT = 242;
/** Cluster command to the server, without a default response (ZCL, 2.4.1.1). */
const FRAME_CONTROL = 0x11;
const Command = { notification: 0x00, commissioningNotification: 0x04 };
const COMMISSIONING = 0xe0;
const ON_OFF_SWITCH = 0x02;
/** Of the commissioning frame: extended options, a counter; of those: the key, the outgoing counter. */
const OPTIONS = 0x81;
const EXTENDED_OPTIONS = 0xa2;
const SEEK_MS = 200;
const SEEK_FOR_MS = 30_000;
/** What the tap sends for its buttons 1 to 4. */
const BUTTONS = [0x22, 0x10, 0x11, 0x12];

export class GreenPowerSwitch {
  /** Philips' own range. */
  readonly sourceId: number;
  readonly #radio: SimulatedStick;
  readonly #proxy: SimulatedDevice;
  readonly #key = randomBytes(16);
  #counter = 0;
  #sequence = 0;
  #seeking: NodeJS.Timeout | undefined;

  /** @param proxy a mains device of the network that is near it */
  constructor(radio: SimulatedStick, proxy: SimulatedDevice, sourceId = 0x0040_0001) {
    this.#radio = radio;
    this.#proxy = proxy;
    this.sourceId = sourceId;
  }

  /** As the library names it. */
  get ieee(): string {
    return `0x${this.sourceId.toString(16).padStart(16, '0')}`;
  }

  /** Somebody holds its button until it is taken. */
  seek(): void {
    const endsMs = Date.now() + SEEK_FOR_MS;
    clearInterval(this.#seeking);
    this.#seeking = setInterval(() => {
      if (Date.now() > endsMs || this.commission()) clearInterval(this.#seeking);
    }, SEEK_MS).unref();
  }

  /** @returns whether anybody listened */
  commission(): boolean {
    if (!this.#radio.coordinator.permitsJoining) return false;
    const frame = new ByteWriter()
      .u8(ON_OFF_SWITCH)
      .u8(OPTIONS)
      .u8(EXTENDED_OPTIONS)
      .bytes(this.#key)
      .u32(this.#counter)
      .done();
    this.#pass(Command.commissioningNotification, COMMISSIONING, frame);
    return true;
  }

  /** @param button 1 to 4 */
  press(button: number): void {
    this.#pass(Command.notification, BUTTONS[button - 1] ?? 0, Buffer.alloc(0));
  }

  stop(): void {
    clearInterval(this.#seeking);
  }

  #pass(command: number, gpdCommand: number, frame: Buffer): void {
    this.#counter += 1;
    this.#sequence = (this.#sequence + 1) & 0xff;
    const data = new ByteWriter()
      .u8(FRAME_CONTROL)
      .u8(this.#sequence)
      .u8(command)
      .u16(0)
      .u32(this.sourceId)
      .u32(this.#counter)
      .u8(gpdCommand)
      .u8(frame.length)
      .bytes(frame)
      .done();
    this.#radio.coordinator.heard(this.#proxy, {
      clusterId: GREEN_POWER,
      profileId: 0xa1e0,
      sourceEndpoint: ENDPOINT,
      destinationEndpoint: ENDPOINT,
      groupId: 0,
      broadcast: true,
      data,
    });
  }
}
