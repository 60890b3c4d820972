/** Window covering (0x0102, ZCL 8, 7.4): up, down, stop, go to a share of the lift; it takes its time. */
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';
import { Transitions } from './transitions.ts';

export const WINDOW_COVERING = 0x0102;
const LIFT = 0x0008;
/** Percent, as the cluster has it: 100 is closed. */
const CLOSED = 100;

export class WindowCovering extends Cluster {
  readonly #moving = new Transitions(this);
  readonly #travelMs: number;

  /** @param travelMs from one end to the other */
  constructor(travelMs: number) {
    super(WINDOW_COVERING, [
      { id: 0x0000, type: Type.enum8, value: 0 },
      { id: 0x0007, type: Type.bitmap8, value: 0x0b },
      { id: LIFT, type: Type.uint8, value: 0 },
      { id: 0x0017, type: Type.bitmap8, value: 0, writable: true },
    ]);
    this.#travelMs = travelMs;
  }

  get closedPercent(): number {
    return this.number(LIFT);
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    switch (id) {
      case 0x00:
        this.#moveTo(0);
        return ZclStatus.success;
      case 0x01:
        this.#moveTo(CLOSED);
        return ZclStatus.success;
      case 0x02:
        this.#moving.stop();
        return ZclStatus.success;
      case 0x05:
        this.#moveTo(Math.min(CLOSED, payload.u8()));
        return ZclStatus.success;
      default:
        return undefined;
    }
  }

  #moveTo(percent: number): void {
    const share = Math.abs(percent - this.closedPercent) / CLOSED;
    this.#moving.to(LIFT, percent, share * this.#travelMs);
  }
}
