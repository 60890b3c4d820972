/** What a coordinator answers about itself (Zigbee, 2.4.4): payloads without the transaction number. */
import { ByteReader, ByteWriter } from './bytes.ts';
import { COORDINATOR_ADDRESS, type Coordinator } from './coordinator.ts';
import type { Node } from './node.ts';
import { Zdo } from './zdo-server.ts';

const NEIGHBOURS_PER_RESPONSE = 2;
const ROUTES_PER_RESPONSE = 4;
const NOT_FOUND = 0x81;
const NOT_ACTIVE = 0x83;
const CHANNELS = 16;
/** Of an energy scan: sixteen quiet channels. */
const QUIET = 0x20;

export function ownAnswer(coordinator: Coordinator, clusterId: number, payload: Buffer): Buffer {
  switch (clusterId) {
    case Zdo.nodeDescriptor:
      return new ByteWriter()
        .bytes([0, 0, 0, 0, 0x40, 0x8f, 0, 0, 0x50])
        .u16(0xa0)
        .u16(0x2c41)
        .u16(0xa0)
        .u8(0)
        .done();
    case Zdo.activeEndpoints: {
      const ids = [...coordinator.endpoints.keys()];
      return new ByteWriter().u8(0).u16(COORDINATOR_ADDRESS).u8(ids.length).bytes(ids).done();
    }
    case Zdo.simpleDescriptor: {
      const descriptor = coordinator.endpoints.get(payload[2] ?? 0);
      if (!descriptor) return new ByteWriter().u8(NOT_ACTIVE).u16(COORDINATOR_ADDRESS).u8(0).done();
      return new ByteWriter().u8(0).u16(COORDINATOR_ADDRESS).u8(descriptor.length).bytes(descriptor).done();
    }
    case Zdo.neighbours:
      return neighbours(coordinator, payload[0] ?? 0);
    case Zdo.routes:
      return routes(coordinator, payload[0] ?? 0);
    case Zdo.bindings:
      return Buffer.from([0, 0, payload[0] ?? 0, 0]);
    case Zdo.networkUpdate:
      return energyScan(payload);
    default:
      return Buffer.from([NOT_FOUND]);
  }
}

function neighbours(coordinator: Coordinator, start: number): Buffer {
  const all = coordinator.members.slice(0, 0xff);
  const listed = all.slice(start, start + NEIGHBOURS_PER_RESPONSE);
  const writer = new ByteWriter().bytes([0, all.length, start, listed.length]);
  for (const node of listed) {
    const kind = (node.kind.router ? 1 : 2) | (node.capabilities & 0x08 ? 0x04 : 0) | (1 << 4);
    writer
      .bytes(coordinator.identity?.extendedPanId ?? [])
      .ieee(node.ieee)
      .u16(node.membership?.address ?? 0);
    writer.bytes([kind, 2, 1, node.linkQuality]);
  }
  return writer.done();
}

function routes(coordinator: Coordinator, start: number): Buffer {
  const all = coordinator.members.filter((node: Node) => node.kind.router).slice(0, 0xff);
  const listed = all.slice(start, start + ROUTES_PER_RESPONSE);
  const writer = new ByteWriter().bytes([0, all.length, start, listed.length]);
  for (const node of listed)
    writer
      .u16(node.membership?.address ?? 0)
      .u8(0)
      .u16(node.membership?.address ?? 0);
  return writer.done();
}

function energyScan(payload: Buffer): Buffer {
  const channels = new ByteReader(payload).u32();
  const scan = new ByteWriter().u8(0).u32(channels).u16(100).u16(0).u8(CHANNELS);
  return scan.bytes(Buffer.alloc(CHANNELS, QUIET)).done();
}
