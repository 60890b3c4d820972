/** IAS zone (0x0500, ZCL 8, 8.2): a sensor that is enrolled with the coordinator before it reports alarms. */
import { ByteWriter } from '../../bytes.ts';
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';

export const IAS_ZONE = 0x0500;
export const ZoneType = { contact: 0x0015, motion: 0x000d, water: 0x002a } as const;

const Attribute = { state: 0x0000, type: 0x0001, status: 0x0002, controller: 0x0010, zoneId: 0x0011 };
const STATUS_CHANGE = 0x00;
const ENROL_REQUEST = 0x01;
const BATTERY_LOW = 0x0008;
const NO_CONTROLLER = '0x0000000000000000';

export class IasZone extends Cluster {
  readonly #notify: (command: number, payload: Buffer) => void;
  readonly #manufacturerCode: number;

  /** @param notify sends a command of this cluster to the coordinator */
  constructor(
    zoneType: number,
    manufacturerCode: number,
    notify: (command: number, payload: Buffer) => void,
  ) {
    super(IAS_ZONE, [
      { id: Attribute.state, type: Type.enum8, value: 0 },
      { id: Attribute.type, type: Type.enum16, value: zoneType },
      { id: Attribute.status, type: Type.bitmap16, value: 0 },
      { id: Attribute.controller, type: Type.ieee, value: NO_CONTROLLER, writable: true },
      { id: Attribute.zoneId, type: Type.uint8, value: 0xff },
    ]);
    this.#notify = notify;
    this.#manufacturerCode = manufacturerCode;
    this.onWrite = (attribute) => {
      if (attribute.id === Attribute.controller) this.#requestEnrolment();
    };
  }

  get enrolled(): boolean {
    return this.number(Attribute.state) === 1;
  }

  get alarm(): boolean {
    return (this.number(Attribute.status) & 1) === 1;
  }

  /** Tells the coordinator, once enrolled. */
  change(alarm: boolean, batteryLow = false): void {
    const status = (alarm ? 1 : 0) | (batteryLow ? BATTERY_LOW : 0);
    this.set(Attribute.status, status);
    if (!this.enrolled) return;
    const payload = new ByteWriter().u16(status).u8(0).u8(this.number(Attribute.zoneId)).u16(0).done();
    this.#notify(STATUS_CHANGE, payload);
  }

  forget(): void {
    this.set(Attribute.state, 0);
    this.set(Attribute.controller, NO_CONTROLLER);
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    if (id !== 0x00) return undefined;
    const accepted = payload.u8() === 0;
    const zoneId = payload.u8();
    if (accepted) {
      this.set(Attribute.zoneId, zoneId);
      this.set(Attribute.state, 1);
    }
    return ZclStatus.success;
  }

  #requestEnrolment(): void {
    const payload = new ByteWriter().u16(this.number(Attribute.type)).u16(this.#manufacturerCode).done();
    this.#notify(ENROL_REQUEST, payload);
  }
}
