/** MT ZDO: requests to devices with their responses, and what the stick answers itself ("MT API", section 3.13). */
import { type ByteReader, ByteWriter } from '../bytes.ts';
import type { Coordinator } from '../coordinator.ts';
import type { Node } from '../node.ts';
import { Zdo } from '../zdo-server.ts';
import { NvItem, Status, ZDO } from './numbers.ts';
import type { Reply } from './reply.ts';
import { status } from './system-commands.ts';

const RESPONSE = 0x80;
const CHANGE_CHANNEL = 0xfe;
const MT_NETWORK_UPDATE = 0x37;
const NEIGHBOURS_PER_RESPONSE = 2;
const ROUTES_PER_RESPONSE = 4;
const NOT_FOUND = 0x81;
const COORDINATOR = 0x0000;
const BROADCAST_FIRST = 0xfff8;

export function zdoCommand(coordinator: Coordinator, command: number, reader: ByteReader): Reply | undefined {
  switch (command) {
    case 0x00:
    case 0x01:
      return { response: status(Status.success), after: () => findAddress(coordinator, command, reader) };
    case 0x36:
      return permitJoining(coordinator, reader);
    case MT_NETWORK_UPDATE:
      return networkUpdate(coordinator, reader);
    case 0x40:
      return startUp(coordinator);
    case 0x45:
      // route discovery: routes are found by themselves here
      return { response: status(Status.success) };
    case 0x4a:
      return { response: findGroup(coordinator, reader) };
    case 0x4b:
      coordinator.groups.add(`${reader.u8()}/${reader.u16()}`);
      return { response: status(Status.success) };
    case 0x50:
      return { response: networkInfo(coordinator) };
    default:
      return command < 0x40 ? toNode(coordinator, command, reader) : undefined;
  }
}

function startUp(coordinator: Coordinator): Reply {
  // a stick with Z-Stack 1.2 forms a network where it has none; later ones wait to be told
  if (coordinator.resume()) return { response: status(Status.success) };
  if (coordinator.firmware.product === 0) coordinator.form();
  return { response: status(Status.failure) };
}

function networkInfo(coordinator: Coordinator): Buffer {
  const { identity, state } = coordinator;
  return new ByteWriter()
    .u16(identity ? COORDINATOR : 0xfffe)
    .u8(state)
    .u16(identity?.panId ?? 0xffff)
    .u16(identity ? COORDINATOR : 0xfffe)
    .bytes(identity?.extendedPanId ?? Buffer.alloc(8))
    .bytes(Buffer.alloc(8))
    .u8(identity?.channel ?? 0)
    .done();
}

function findGroup(coordinator: Coordinator, reader: ByteReader): Buffer {
  const endpoint = reader.u8();
  const group = reader.u16();
  const found = coordinator.groups.has(`${endpoint}/${group}`);
  return new ByteWriter()
    .u8(found ? Status.success : Status.failure)
    .u16(group)
    .u8(0)
    .done();
}

function permitJoining(coordinator: Coordinator, reader: ByteReader): Reply {
  reader.u8();
  const address = reader.u16();
  const seconds = reader.u8();
  const after = () => {
    if (address === COORDINATOR || address >= BROADCAST_FIRST) {
      coordinator.permitJoining(seconds);
      if (address >= BROADCAST_FIRST) {
        coordinator.air.broadcast(coordinator, (node) => {
          node.permitJoinUntilMs = node.kind.router ? Date.now() + seconds * 1000 : 0;
        });
      }
      coordinator.notify(ZDO, 0x36 | RESPONSE, new ByteWriter().u16(COORDINATOR).u8(0).done());
      return;
    }
    forward(coordinator, {
      address,
      clusterId: Zdo.permitJoining,
      payload: Buffer.from([seconds, 1]),
      command: 0x36,
    });
  };
  return { response: status(Status.success), after };
}

function networkUpdate(coordinator: Coordinator, reader: ByteReader): Reply {
  const address = reader.u16();
  reader.u8();
  const channels = reader.u32();
  const duration = reader.u8();
  const after = () => {
    if (duration === CHANGE_CHANNEL) {
      coordinator.moveTo(31 - Math.clz32(channels));
      return;
    }
    // an energy scan: sixteen quiet channels
    const scan = new ByteWriter().u16(address).u8(0).u32(channels).u16(100).u16(0).u8(16);
    coordinator.notify(ZDO, 0xb8, scan.bytes(Buffer.alloc(16, 0x20)).done());
  };
  return { response: status(Status.success), after };
}

function findAddress(coordinator: Coordinator, command: number, reader: ByteReader): void {
  const node =
    command === 0x00 ? coordinator.air.devices.get(reader.ieee()) : coordinator.air.device(reader.u16());
  const respond = (found: Node): void => {
    const data = new ByteWriter()
      .u8(0)
      .ieee(found.ieee)
      .u16(found.membership?.address ?? 0)
      .u8(0)
      .u8(0)
      .done();
    coordinator.notify(ZDO, command | RESPONSE, data);
  };
  const address = node?.membership?.address;
  if (node && address !== undefined) coordinator.air.unicast(coordinator, address, respond);
}

function toNode(coordinator: Coordinator, command: number, reader: ByteReader): Reply {
  const address = reader.u16();
  const payload = Buffer.from(reader.rest());
  const clusterId = command === MT_NETWORK_UPDATE ? Zdo.networkUpdate : command;
  const after = () => {
    if (address === COORDINATOR) answerItself(coordinator, command, payload);
    else forward(coordinator, { address, clusterId, payload, command });
  };
  return { response: status(Status.success), after };
}

interface ZdoRequest {
  address: number;
  clusterId: number;
  payload: Buffer;
  command: number;
}

function forward(coordinator: Coordinator, { address, clusterId, payload, command }: ZdoRequest): void {
  coordinator.air.unicast(coordinator, address, (node) => {
    const answer = node.answerZdo(clusterId, payload);
    // a mute device's answer never comes; one that has left in the meantime is not heard
    if (!answer || !node.hears(coordinator.identity)) return;
    coordinator.notify(
      ZDO,
      command | RESPONSE,
      Buffer.concat([new ByteWriter().u16(address).done(), answer]),
    );
    if (clusterId === Zdo.leave && answer[0] === 0) node.leave({ rejoin: ((payload[8] ?? 0) & 0x80) !== 0 });
  });
}

function answerItself(coordinator: Coordinator, command: number, payload: Buffer): void {
  const answer = ownAnswer(coordinator, command, payload);
  coordinator.notify(
    ZDO,
    command | RESPONSE,
    Buffer.concat([new ByteWriter().u16(COORDINATOR).done(), answer]),
  );
}

function ownAnswer(coordinator: Coordinator, command: number, payload: Buffer): Buffer {
  switch (command) {
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
      return new ByteWriter().u8(0).u16(COORDINATOR).u8(ids.length).bytes(ids).done();
    }
    case Zdo.simpleDescriptor: {
      const descriptor = simpleDescriptor(coordinator, payload[2] ?? 0);
      if (!descriptor) return new ByteWriter().u8(0x83).u16(COORDINATOR).u8(0).done();
      return new ByteWriter().u8(0).u16(COORDINATOR).u8(descriptor.length).bytes(descriptor).done();
    }
    case Zdo.neighbours:
      return neighbours(coordinator, payload[0] ?? 0);
    case Zdo.routes:
      return routes(coordinator, payload[0] ?? 0);
    case Zdo.bindings:
      return Buffer.from([0, 0, payload[0] ?? 0, 0]);
    default:
      return Buffer.from([NOT_FOUND]);
  }
}

/** The registration without its latency byte is the simple descriptor. */
function simpleDescriptor(coordinator: Coordinator, id: number): Buffer | undefined {
  const registered = coordinator.endpoints.get(id);
  return registered && Buffer.concat([registered.subarray(0, 6), registered.subarray(7)]);
}

function members(coordinator: Coordinator): Node[] {
  return [...coordinator.air.devices.values()].filter((node) => node.hears(coordinator.identity));
}

function neighbours(coordinator: Coordinator, start: number): Buffer {
  const all = members(coordinator).slice(0, 0xff);
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
  const all = members(coordinator)
    .filter((node) => node.kind.router)
    .slice(0, 0xff);
  const listed = all.slice(start, start + ROUTES_PER_RESPONSE);
  const writer = new ByteWriter().bytes([0, all.length, start, listed.length]);
  for (const node of listed)
    writer
      .u16(node.membership?.address ?? 0)
      .u8(0)
      .u16(node.membership?.address ?? 0);
  return writer.done();
}

/** SAPI readConfiguration and writeConfiguration, which Z-Stack 1.2 has for the preconfigured key. */
export function sapiCommand(
  coordinator: Coordinator,
  command: number,
  reader: ByteReader,
): Buffer | undefined {
  const { nv } = coordinator.store;
  if (command === 0x04) {
    const id = reader.u8();
    const value = nv.item(id) ?? Buffer.alloc(id === NvItem.preconfiguredKey ? 16 : 0);
    return Buffer.concat([Buffer.from([Status.success, id, value.length]), value]);
  }
  if (command === 0x05) {
    const id = reader.u8();
    nv.setItem(id, Buffer.from(reader.bytes(reader.u8())));
    return status(Status.success);
  }
  return undefined;
}
