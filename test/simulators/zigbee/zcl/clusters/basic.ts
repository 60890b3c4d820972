/** Basic (0x0000), identify (0x0003) and power configuration (0x0001): what nearly every device has. */
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';

export interface Identity {
  manufacturer: string;
  model: string;
  /** 1: mains · 3: battery */
  powerSource: number;
  dateCode?: string;
  softwareBuild?: string;
}

export const BASIC = 0x0000;
export const SOFTWARE_BUILD = 0x4000;

export function basic(identity: Identity): Cluster {
  return new Cluster(BASIC, [
    { id: 0x0000, type: Type.uint8, value: 3 },
    { id: 0x0001, type: Type.uint8, value: 1 },
    { id: 0x0002, type: Type.uint8, value: 2 },
    { id: 0x0003, type: Type.uint8, value: 1 },
    { id: 0x0004, type: Type.text, value: identity.manufacturer },
    { id: 0x0005, type: Type.text, value: identity.model },
    { id: 0x0006, type: Type.text, value: identity.dateCode ?? '20240101' },
    { id: 0x0007, type: Type.enum8, value: identity.powerSource },
    { id: SOFTWARE_BUILD, type: Type.text, value: identity.softwareBuild ?? '1.0.0' },
  ]);
}

export class Identify extends Cluster {
  /** The last that was triggered (ZCL, 3.5.2.3.3): 0 blink, 1 breathe and so on. */
  effect: number | undefined;

  constructor() {
    super(0x0003, [{ id: 0x0000, type: Type.uint16, value: 0, writable: true }]);
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    if (id === 0x00) this.set(0x0000, payload.u16());
    else if (id === 0x40) {
      this.effect = payload.u8();
      payload.u8();
    } else return undefined;
    return ZclStatus.success;
  }
}

export const POWER = 0x0001;
const VOLTAGE = 0x0020;
const PERCENTAGE = 0x0021;

/** Battery: volts in tenths, percentage in halves. */
export function battery(percent: number): Cluster {
  return new Cluster(
    POWER,
    [
      { id: VOLTAGE, type: Type.uint8, value: 0 },
      { id: PERCENTAGE, type: Type.uint8, value: 0 },
    ].map((attribute) => ({ ...attribute, value: batteryValues(percent)[attribute.id] ?? 0 })),
  );
}

/** A coin cell: 3.0 V when full, 2.0 V when empty. */
export function batteryValues(percent: number): Record<number, number> {
  return { [VOLTAGE]: Math.round(20 + percent / 10), [PERCENTAGE]: Math.round(percent * 2) };
}
