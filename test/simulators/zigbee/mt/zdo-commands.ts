/** MT ZDO: requests to devices with their responses, and what the stick answers itself ("MT API", section 3.13). */
import { type ByteReader, ByteWriter } from '../bytes.ts';
import { COORDINATOR_ADDRESS } from '../coordinator.ts';
import type { Node } from '../node.ts';
import { ownAnswer } from '../own-zdo.ts';
import { CHANGE_CHANNEL, carryOut, type ZdoRequest } from '../zdo-exchange.ts';
import { Zdo } from '../zdo-server.ts';
import { NvItem, Status, ZDO } from './numbers.ts';
import type { Reply } from './reply.ts';
import { status } from './system-commands.ts';
import type { ZStackCoordinator } from './z-stack-coordinator.ts';

const RESPONSE = 0x80;
const MT_NETWORK_UPDATE = 0x37;
const BROADCAST_FIRST = 0xfff8;

export function zdoCommand(
  coordinator: ZStackCoordinator,
  command: number,
  reader: ByteReader,
): Reply | undefined {
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

function startUp(coordinator: ZStackCoordinator): Reply {
  // a stick with Z-Stack 1.2 forms a network where it has none; later ones wait to be told
  if (coordinator.resume()) return { response: status(Status.success) };
  if (coordinator.firmware.product === 0) coordinator.form();
  return { response: status(Status.failure) };
}

function networkInfo(coordinator: ZStackCoordinator): Buffer {
  const { identity, state } = coordinator;
  return new ByteWriter()
    .u16(identity ? COORDINATOR_ADDRESS : 0xfffe)
    .u8(state)
    .u16(identity?.panId ?? 0xffff)
    .u16(identity ? COORDINATOR_ADDRESS : 0xfffe)
    .bytes(identity?.extendedPanId ?? Buffer.alloc(8))
    .bytes(Buffer.alloc(8))
    .u8(identity?.channel ?? 0)
    .done();
}

function findGroup(coordinator: ZStackCoordinator, reader: ByteReader): Buffer {
  const endpoint = reader.u8();
  const group = reader.u16();
  const found = coordinator.groups.has(`${endpoint}/${group}`);
  return new ByteWriter()
    .u8(found ? Status.success : Status.failure)
    .u16(group)
    .u8(0)
    .done();
}

function permitJoining(coordinator: ZStackCoordinator, reader: ByteReader): Reply {
  reader.u8();
  const address = reader.u16();
  const seconds = reader.u8();
  const after = () => {
    if (address === COORDINATOR_ADDRESS || address >= BROADCAST_FIRST) {
      coordinator.permitJoining(seconds);
      if (address >= BROADCAST_FIRST) coordinator.permitJoiningEverywhere(seconds);
      coordinator.notify(ZDO, 0x36 | RESPONSE, new ByteWriter().u16(COORDINATOR_ADDRESS).u8(0).done());
      return;
    }
    const payload = Buffer.from([seconds, 1]);
    forward(coordinator, 0x36, address, { clusterId: Zdo.permitJoining, payload });
  };
  return { response: status(Status.success), after };
}

function networkUpdate(coordinator: ZStackCoordinator, reader: ByteReader): Reply {
  const address = reader.u16();
  reader.u8();
  const channels = reader.u32();
  const duration = reader.u8();
  const after = () => {
    if (duration === CHANGE_CHANNEL) {
      coordinator.moveTo(31 - Math.clz32(channels));
      return;
    }
    const scan = ownAnswer(coordinator, Zdo.networkUpdate, new ByteWriter().u32(channels).done());
    coordinator.notify(ZDO, 0xb8, Buffer.concat([new ByteWriter().u16(address).done(), scan]));
  };
  return { response: status(Status.success), after };
}

function findAddress(coordinator: ZStackCoordinator, command: number, reader: ByteReader): void {
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

function toNode(coordinator: ZStackCoordinator, command: number, reader: ByteReader): Reply {
  const address = reader.u16();
  const payload = Buffer.from(reader.rest());
  const clusterId = command === MT_NETWORK_UPDATE ? Zdo.networkUpdate : command;
  const after = () => {
    if (address === COORDINATOR_ADDRESS) answerItself(coordinator, command, { clusterId, payload });
    else forward(coordinator, command, address, { clusterId, payload });
  };
  return { response: status(Status.success), after };
}

function forward(
  coordinator: ZStackCoordinator,
  command: number,
  address: number,
  request: ZdoRequest,
): void {
  coordinator.air.unicast(coordinator, address, (node) =>
    carryOut(coordinator, node, request, (answer) =>
      coordinator.notify(
        ZDO,
        command | RESPONSE,
        Buffer.concat([new ByteWriter().u16(address).done(), answer]),
      ),
    ),
  );
}

function answerItself(coordinator: ZStackCoordinator, command: number, request: ZdoRequest): void {
  const answer = ownAnswer(coordinator, request.clusterId, request.payload);
  coordinator.notify(
    ZDO,
    command | RESPONSE,
    Buffer.concat([new ByteWriter().u16(COORDINATOR_ADDRESS).done(), answer]),
  );
}

/** SAPI readConfiguration and writeConfiguration, which Z-Stack 1.2 has for the preconfigured key. */
export function sapiCommand(
  coordinator: ZStackCoordinator,
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
