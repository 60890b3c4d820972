/** MT AF: endpoints of the host, data requests with their confirmations, inter-PAN ("MT API", section 3.2). */
import type { Packet } from '../air/packet.ts';
import type { ByteReader } from '../bytes.ts';
import { AF, Status } from './numbers.ts';
import type { Reply } from './reply.ts';
import { status } from './system-commands.ts';
import type { ZStackCoordinator } from './z-stack-coordinator.ts';

const DATA_CONFIRM = 0x80;
const MODE_GROUP = 1;
const MODE_IEEE = 3;
const BROADCAST_FIRST = 0xfff8;
const INTER_PAN_ENDPOINT = 0xfe;

/** What goes wrong with data requests of the host, whatever the devices do. */
export interface DataFaults {
  /** The synchronous response's status instead of success, as often as `times`. */
  refuse: { status: number; times: number } | undefined;
  /** The confirmation's status instead of the true one, as often as `times`. */
  confirm: { status: number; times: number } | undefined;
}

interface DataRequest extends Packet {
  mode: number;
  address: number;
  ieee: string;
  transaction: number;
}

export function afCommand(
  coordinator: ZStackCoordinator,
  faults: DataFaults,
  command: number,
  reader: ByteReader,
): Reply | undefined {
  switch (command) {
    case 0x00: {
      const registered = reader.rest();
      // without its latency byte the registration is the simple descriptor
      const descriptor = Buffer.concat([registered.subarray(0, 6), registered.subarray(7)]);
      coordinator.endpoints.set(descriptor[0] ?? 0, descriptor);
      return { response: status(Status.success) };
    }
    case 0x01:
      return dataRequest(coordinator, faults, readShort(reader));
    case 0x02:
      return dataRequest(coordinator, faults, readExtended(reader));
    case 0x04:
      return {
        response: status(coordinator.endpoints.delete(reader.u8()) ? Status.success : Status.failure),
      };
    case 0x10:
      return { response: interPanControl(coordinator, reader) };
    case 0x12:
      return { response: coordinator.incoming.retrieve(reader.u32(), reader.u16(), reader.u8()) };
    default:
      return undefined;
  }
}

function readShort(reader: ByteReader): DataRequest {
  const address = reader.u16();
  const destinationEndpoint = reader.u8();
  const sourceEndpoint = reader.u8();
  const clusterId = reader.u16();
  const transaction = reader.u8();
  reader.u16();
  const data = reader.bytes(reader.u8());
  const broadcast = address >= BROADCAST_FIRST;
  const packet = {
    clusterId,
    profileId: 0,
    sourceEndpoint,
    destinationEndpoint,
    groupId: 0,
    broadcast,
    data,
  };
  return { ...packet, mode: 2, address, ieee: '', transaction };
}

function readExtended(reader: ByteReader): DataRequest {
  const mode = reader.u8();
  const destination = reader.bytes(8);
  const destinationEndpoint = reader.u8();
  const panId = reader.u16();
  const sourceEndpoint = reader.u8();
  const clusterId = reader.u16();
  const transaction = reader.u8();
  reader.u16();
  const data = reader.bytes(reader.u16());
  const address = destination.readUInt16LE(0);
  const groupId = mode === MODE_GROUP ? address : 0;
  const broadcast = mode !== MODE_IEEE && (groupId !== 0 || address >= BROADCAST_FIRST);
  const ieee = mode === MODE_IEEE ? `0x${destination.readBigUInt64LE(0).toString(16).padStart(16, '0')}` : '';
  const profileId = panId === 0xffff ? 0xc05e : 0;
  const packet = { clusterId, profileId, sourceEndpoint, destinationEndpoint, groupId, broadcast, data };
  return { ...packet, mode, address, ieee, transaction };
}

function dataRequest(coordinator: ZStackCoordinator, faults: DataFaults, request: DataRequest): Reply {
  const refused = counted(faults.refuse);
  if (refused !== undefined) return { response: status(refused) };
  return { response: status(Status.success), after: () => transmit(coordinator, faults, request) };
}

function transmit(coordinator: ZStackCoordinator, faults: DataFaults, request: DataRequest): void {
  const confirm = (result: number): void => {
    const data = Buffer.from([
      counted(faults.confirm) ?? result,
      request.sourceEndpoint,
      request.transaction,
    ]);
    coordinator.notify(AF, DATA_CONFIRM, data);
  };
  const channel = coordinator.interPanChannel;
  if (request.destinationEndpoint === INTER_PAN_ENDPOINT && channel !== undefined) {
    coordinator.air.interPan((node) => {
      if (request.mode !== MODE_IEEE || node.ieee === request.ieee) node.receiveInterPan(request, channel);
    });
    confirm(Status.success);
  } else if (request.broadcast) {
    coordinator.air.broadcast(coordinator, (node) => node.receive(request));
    confirm(Status.success);
  } else {
    coordinator.air.unicast(coordinator, request.address, (node) => node.receive(request), confirm);
  }
}

function counted(fault: DataFaults['refuse']): number | undefined {
  if (!fault || fault.times <= 0) return undefined;
  fault.times -= 1;
  return fault.status;
}

/** 0: back to the network · 1: to a channel · 2: an endpoint for it ("AF_INTER_PAN_CTL") */
function interPanControl(coordinator: ZStackCoordinator, reader: ByteReader): Buffer {
  const command = reader.u8();
  if (command === 0) coordinator.interPanChannel = undefined;
  else if (command === 1) coordinator.interPanChannel = reader.u8();
  return status(Status.success);
}
