/** Groups (0x0004, ZCL 8, 3.6): which groups an endpoint belongs to. */
import { ByteWriter } from '../../bytes.ts';
import { Cluster, type CommandContext, type CommandResult } from '../cluster.ts';
import { Type } from '../data-types.ts';
import { ZclStatus } from '../frame.ts';

const GROUPS_MAX = 16;

export class Groups extends Cluster {
  readonly #members: () => Set<number>;

  /** @param members the endpoint's groups */
  constructor(members: () => Set<number>) {
    super(0x0004, [{ id: 0x0000, type: Type.bitmap8, value: 0 }]);
    this.#members = members;
  }

  override command(id: number, { payload }: CommandContext): CommandResult | undefined {
    const groups = this.#members();
    switch (id) {
      case 0x00: {
        const group = payload.u16();
        const full = !groups.has(group) && groups.size >= GROUPS_MAX;
        if (!full) groups.add(group);
        return reply(0x00, full ? ZclStatus.insufficientSpace : ZclStatus.success, group);
      }
      case 0x01: {
        const group = payload.u16();
        const status = groups.has(group) ? ZclStatus.success : ZclStatus.notFound;
        return { command: 0x01, payload: new ByteWriter().u8(status).u16(group).u8(0).done() };
      }
      case 0x02: {
        const asked = Array.from({ length: payload.u8() }, () => payload.u16());
        const found = asked.length === 0 ? [...groups] : asked.filter((group) => groups.has(group));
        const writer = new ByteWriter()
          .u8(GROUPS_MAX - groups.size)
          .u8(found.length)
          .u16List(found);
        return { command: 0x02, payload: writer.done() };
      }
      case 0x03: {
        const group = payload.u16();
        return reply(0x03, groups.delete(group) ? ZclStatus.success : ZclStatus.notFound, group);
      }
      case 0x04:
        groups.clear();
        return ZclStatus.success;
      default:
        return undefined;
    }
  }
}

function reply(command: number, status: number, group: number): CommandResult {
  return { command, payload: new ByteWriter().u8(status).u16(group).done() };
}
