/** Poll control (0x0020, ZCL 8, 3.16): a device that sleeps asks whether anybody wants it to stay awake. */
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';

export const POLL_CONTROL = 0x0020;
const QUARTERS_MS = 250;
const Attribute = { checkIn: 0x0000, longPoll: 0x0001, shortPoll: 0x0002, fastTimeout: 0x0003 };

export class PollControl extends Cluster {
  readonly #stayAwake: (ms: number) => void;

  constructor(stayAwake: (ms: number) => void) {
    super(POLL_CONTROL, [
      { id: Attribute.checkIn, type: Type.uint32, value: 14_400, writable: true },
      { id: Attribute.longPoll, type: Type.uint32, value: 20 },
      { id: Attribute.shortPoll, type: Type.uint16, value: 2 },
      { id: Attribute.fastTimeout, type: Type.uint16, value: 40, writable: true },
    ]);
    this.#stayAwake = stayAwake;
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    switch (id) {
      case 0x00: {
        const fast = payload.u8() === 1;
        const quarters = payload.u16() || this.number(Attribute.fastTimeout);
        if (fast) this.#stayAwake(quarters * QUARTERS_MS);
        return ZclStatus.success;
      }
      case 0x01:
        return ZclStatus.success;
      case 0x02:
        this.set(Attribute.longPoll, payload.u32());
        return ZclStatus.success;
      case 0x03:
        this.set(Attribute.shortPoll, payload.u16());
        return ZclStatus.success;
      default:
        return undefined;
    }
  }
}
