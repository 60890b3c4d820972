/**
 * A wall switch whose functions are all in a cluster of its maker: Tuya TS0601 (_TZE200_ojtqawav). Values travel as
 * numbered data points, with lengths and numbers in network byte order (Tuya, "Zigbee generic interfaces").
 */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { Cluster, type CommandContext, type CommandResult } from '../zcl/cluster.ts';
import { basic } from '../zcl/clusters/basic.ts';
import { Groups } from '../zcl/clusters/groups.ts';
import { Type } from '../zcl/data-types.ts';
import { ZclStatus } from '../zcl/frame.ts';

const TUYA = 0xef00;
const SWITCH = 1;
const BOOLEAN = 1;
const Command = {
  request: 0x00,
  response: 0x01,
  report: 0x02,
  query: 0x03,
  version: 0x10,
  versionResponse: 0x11,
};

class DataPoints extends Cluster {
  readonly #set: (point: number, type: number, value: Buffer) => void;

  constructor(set: (point: number, type: number, value: Buffer) => void) {
    super(TUYA);
    this.#set = set;
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    switch (id) {
      case Command.request: {
        payload.u16();
        while (payload.left >= 4) {
          const [point, type] = [payload.u8(), payload.u8()];
          this.#set(point, type, payload.bytes(payload.bytes(2).readUInt16BE(0)));
        }
        return ZclStatus.success;
      }
      case Command.query:
        return ZclStatus.success;
      case Command.version:
        return {
          command: Command.versionResponse,
          payload: Buffer.concat([payload.bytes(2), Buffer.from([0x40])]),
        };
      default:
        return ZclStatus.success;
    }
  }
}

export class TuyaSwitch extends SimulatedDevice {
  on = false;
  readonly #endpoint: DeviceEndpoint;
  #points = 0;

  constructor(options: DeviceOptions = {}) {
    super({ manufacturerCode: 0x1002, mains: true, router: true }, options);
    const identity = { manufacturer: '_TZE200_ojtqawav', model: 'TS0601', powerSource: 1 };
    const groups = () => this.endpoint(1).groups;
    const points = new DataPoints((point, type, value) => this.#set(point, type, value));
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0051,
      servers: [
        basic(identity),
        new Groups(groups),
        new Cluster(0x0005, [{ id: 0x0000, type: Type.uint8, value: 0 }]),
        points,
      ],
      clients: [0x0019, 0x000a],
    });
  }

  /** Somebody touches it. */
  press(): void {
    this.on = !this.on;
    this.#report(Command.report);
  }

  #set(point: number, type: number, value: Buffer): void {
    if (point !== SWITCH || type !== BOOLEAN) return;
    this.on = value[0] === 1;
    this.#report(Command.response);
  }

  #report(command: number): void {
    this.#points = (this.#points + 1) & 0xff;
    const payload = Buffer.from([0, this.#points, SWITCH, BOOLEAN, 0, 1, this.on ? 1 : 0]);
    this.#endpoint.notify(TUYA, command, payload);
  }
}
