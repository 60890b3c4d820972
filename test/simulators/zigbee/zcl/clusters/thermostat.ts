/** Thermostat (0x0201, ZCL 8, 6.3) of a radiator valve: temperatures in hundredths of a degree. */
import { ByteWriter } from '../../bytes.ts';
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';

export const THERMOSTAT = 0x0201;
export const Thermo = {
  localTemperature: 0x0000,
  heatingDemand: 0x0008,
  heatingSetpoint: 0x0012,
  systemMode: 0x001c,
  runningState: 0x0029,
} as const;
const SETPOINT_MIN = 700;
const SETPOINT_MAX = 3_000;

export class ThermostatCluster extends Cluster {
  #schedule: Buffer = Buffer.alloc(0);

  constructor() {
    const setpoint = { type: Type.int16, writable: true, min: SETPOINT_MIN, max: SETPOINT_MAX };
    super(THERMOSTAT, [
      { id: Thermo.localTemperature, type: Type.int16, value: 1_950 },
      { id: 0x0003, type: Type.int16, value: SETPOINT_MIN },
      { id: 0x0004, type: Type.int16, value: SETPOINT_MAX },
      { id: Thermo.heatingDemand, type: Type.uint8, value: 0 },
      { id: 0x0010, type: Type.int8, value: 0, writable: true, min: -25, max: 25 },
      { id: Thermo.heatingSetpoint, ...setpoint, value: 2_000 },
      { id: 0x0014, ...setpoint, value: 1_600 },
      { id: 0x001a, type: Type.bitmap8, value: 0, writable: true },
      { id: 0x001b, type: Type.enum8, value: 2, writable: true },
      { id: Thermo.systemMode, type: Type.enum8, value: 4, writable: true, min: 0, max: 9 },
      { id: Thermo.runningState, type: Type.bitmap16, value: 0 },
      { id: 0x0030, type: Type.enum8, value: 0 },
    ]);
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    switch (id) {
      case 0x00: {
        payload.u8();
        const tenths = payload.bytes(1).readInt8(0);
        const wanted = this.number(Thermo.heatingSetpoint) + tenths * 10;
        this.set(Thermo.heatingSetpoint, Math.min(SETPOINT_MAX, Math.max(SETPOINT_MIN, wanted)));
        return ZclStatus.success;
      }
      case 0x01:
        this.#schedule = Buffer.from(payload.rest());
        return ZclStatus.success;
      case 0x02: {
        const empty = new ByteWriter().u8(0).u8(payload.u8()).u8(payload.u8()).done();
        return { command: 0x00, payload: this.#schedule.length > 0 ? this.#schedule : empty };
      }
      case 0x03:
        this.#schedule = Buffer.alloc(0);
        return ZclStatus.success;
      default:
        return undefined;
    }
  }
}
