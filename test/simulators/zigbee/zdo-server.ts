/**
 * A device's ZDO: what it answers about itself, its bindings and its leaving (Zigbee, 2.4.3 and 2.4.4). Requests and
 * responses are payloads without the transaction number, as the MT API has them.
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Binding, DeviceEndpoint } from './endpoint.ts';
import type { Faults, Step } from './faults.ts';
import type { DeviceKind, Membership } from './node.ts';

export const Zdo = {
  networkAddress: 0x0000,
  ieeeAddress: 0x0001,
  nodeDescriptor: 0x0002,
  powerDescriptor: 0x0003,
  simpleDescriptor: 0x0004,
  activeEndpoints: 0x0005,
  matchDescriptors: 0x0006,
  bind: 0x0021,
  unbind: 0x0022,
  neighbours: 0x0031,
  routes: 0x0032,
  bindings: 0x0033,
  leave: 0x0034,
  permitJoining: 0x0036,
  networkUpdate: 0x0038,
} as const;

const ZdoStatus = {
  success: 0,
  invalidEndpoint: 0x82,
  notActive: 0x83,
  notSupported: 0x84,
  noEntry: 0x88,
  tableFull: 0x8c,
};
const BINDINGS_MAX = 32;
const BINDINGS_PER_RESPONSE = 3;

export interface ZdoHost {
  readonly ieee: string;
  readonly kind: DeviceKind;
  readonly capabilities: number;
  readonly endpoints: readonly DeviceEndpoint[];
  readonly faults: Faults;
  readonly membership: Membership | undefined;
  permitJoinUntilMs: number;
  leave(options?: { rejoin?: boolean }): void;
}

/** @returns undefined where nothing is answered */
export function answerZdo(host: ZdoHost, clusterId: number, payload: Buffer): Buffer | undefined {
  if (host.faults.at('everything')) return undefined;
  const fault = stepsOf(clusterId, payload)
    .map((step) => host.faults.at(step))
    .find((found) => found !== undefined);
  if (fault === 'leave') host.leave();
  if (fault === 'mute' || fault === 'leave') return undefined;
  const reader = new ByteReader(payload);
  if (fault === 'refuse') return refusal(host, clusterId);
  switch (clusterId) {
    case Zdo.networkAddress:
      return reader.ieee() === host.ieee ? addresses(host) : undefined;
    case Zdo.ieeeAddress:
      return addresses(host);
    case Zdo.nodeDescriptor:
      return nodeDescriptor(host);
    case Zdo.powerDescriptor:
      return found(host)
        .u16(host.kind.mains ? 0xc110 : 0xc440)
        .done();
    case Zdo.activeEndpoints:
      return found(host)
        .u8(host.endpoints.length)
        .bytes(host.endpoints.map(({ id }) => id))
        .done();
    case Zdo.simpleDescriptor:
      return simpleDescriptor(host, reader);
    case Zdo.bind:
      return bind(host, reader);
    case Zdo.unbind:
      return unbind(host, reader);
    case Zdo.bindings:
      return bindings(host, reader.u8());
    case Zdo.neighbours:
    case Zdo.routes:
      return host.kind.router
        ? Buffer.from([ZdoStatus.success, 0, reader.u8(), 0])
        : Buffer.from([ZdoStatus.notSupported]);
    case Zdo.permitJoining:
      host.permitJoinUntilMs = Date.now() + reader.u8() * 1000;
      return Buffer.from([ZdoStatus.success]);
    case Zdo.leave:
      return Buffer.from([ZdoStatus.success]);
    default:
      return Buffer.from([ZdoStatus.notSupported]);
  }
}

function stepsOf(clusterId: number, payload: Buffer): Step[] {
  switch (clusterId) {
    case Zdo.nodeDescriptor:
      return ['nodeDescriptor'];
    case Zdo.activeEndpoints:
      return ['activeEndpoints'];
    case Zdo.simpleDescriptor:
      return ['simpleDescriptor', `simpleDescriptor:${payload[2] ?? 0}`];
    case Zdo.bind:
      return ['bind'];
    case Zdo.leave:
      return ['leaveRequest'];
    default:
      return [];
  }
}

function refusal(host: ZdoHost, clusterId: number): Buffer {
  const status = clusterId === Zdo.bind ? ZdoStatus.tableFull : ZdoStatus.notSupported;
  const writer = new ByteWriter().u8(status);
  // the descriptors' responses name the device even when they fail
  if (clusterId < Zdo.bind) writer.u16(host.membership?.address ?? 0).u8(0);
  return writer.done();
}

function found(host: ZdoHost): ByteWriter {
  return new ByteWriter().u8(ZdoStatus.success).u16(host.membership?.address ?? 0);
}

function addresses(host: ZdoHost): Buffer {
  return new ByteWriter()
    .u8(ZdoStatus.success)
    .ieee(host.ieee)
    .u16(host.membership?.address ?? 0)
    .done();
}

function nodeDescriptor(host: ZdoHost): Buffer {
  return (
    found(host)
      .u8(host.kind.router ? 1 : 2)
      // 2.4 GHz
      .u8(0x40)
      .u8(host.capabilities)
      .u16(host.kind.manufacturerCode)
      // buffer, incoming and outgoing transfer sizes; server mask: stack revision 22
      .u8(82)
      .u16(255)
      .u16(22 << 9)
      .u16(255)
      .u8(0)
      .done()
  );
}

function simpleDescriptor(host: ZdoHost, reader: ByteReader): Buffer {
  reader.u16();
  const id = reader.u8();
  const endpoint = host.endpoints.find((known) => known.id === id);
  const address = host.membership?.address ?? 0;
  if (!endpoint) return new ByteWriter().u8(ZdoStatus.notActive).u16(address).u8(0).done();
  const servers = [...endpoint.servers.keys()];
  const descriptor = new ByteWriter()
    .u8(endpoint.id)
    .u16(endpoint.profileId)
    .u16(endpoint.deviceId)
    .u8(endpoint.version)
    .u8(servers.length)
    .u16List(servers)
    .u8(endpoint.clientIds.length)
    .u16List(endpoint.clientIds)
    .done();
  return found(host).u8(descriptor.length).bytes(descriptor).done();
}

function readBinding(reader: ByteReader): { endpoint: number; binding: Binding } {
  reader.ieee();
  const endpoint = reader.u8();
  const clusterId = reader.u16();
  const mode = reader.u8();
  if (mode === 1) return { endpoint, binding: { clusterId, target: { groupId: reader.u16() } } };
  const ieee = reader.ieee();
  return { endpoint, binding: { clusterId, target: { ieee, endpoint: reader.u8() } } };
}

function bind(host: ZdoHost, reader: ByteReader): Buffer {
  const { endpoint: id, binding } = readBinding(reader);
  const endpoint = host.endpoints.find((known) => known.id === id);
  if (!endpoint) return Buffer.from([ZdoStatus.invalidEndpoint]);
  if (endpoint.bindings.length >= BINDINGS_MAX) return Buffer.from([ZdoStatus.tableFull]);
  endpoint.bind(binding);
  return Buffer.from([ZdoStatus.success]);
}

function unbind(host: ZdoHost, reader: ByteReader): Buffer {
  const { endpoint: id, binding } = readBinding(reader);
  const endpoint = host.endpoints.find((known) => known.id === id);
  return Buffer.from([endpoint?.unbind(binding) ? ZdoStatus.success : ZdoStatus.noEntry]);
}

function bindings(host: ZdoHost, start: number): Buffer {
  const all = host.endpoints.flatMap((endpoint) =>
    endpoint.bindings.map((binding) => ({ endpoint, binding })),
  );
  const listed = all.slice(start, start + BINDINGS_PER_RESPONSE);
  const writer = new ByteWriter().bytes([ZdoStatus.success, all.length, start, listed.length]);
  for (const { endpoint, binding } of listed) {
    writer.ieee(host.ieee).u8(endpoint.id).u16(binding.clusterId);
    if ('groupId' in binding.target) writer.u8(1).u16(binding.target.groupId);
    else writer.u8(3).ieee(binding.target.ieee).u8(binding.target.endpoint);
  }
  return writer.done();
}
