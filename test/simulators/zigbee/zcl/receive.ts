/** A ZCL frame has arrived at an endpoint: who answers it, and what (ZCL 8, 2.4 and 2.5). */
import type { Packet } from '../air/packet.ts';
import { ByteReader } from '../bytes.ts';
import type { DeviceEndpoint } from '../endpoint.ts';
import type { Faults, Step } from '../faults.ts';
import { Cluster } from './cluster.ts';
import * as foundation from './foundation.ts';
import { decodeZcl, Global, type ZclFrame, ZclStatus } from './frame.ts';

const BASIC = 0x0000;
const IAS_ZONE = 0x0500;

export interface Receiver {
  readonly faults: Faults;
  leave(): void;
}

interface Arrival {
  device: Receiver;
  endpoint: DeviceEndpoint;
  packet: Packet;
  frame: ZclFrame;
}

export function receiveZcl(device: Receiver, endpoint: DeviceEndpoint, packet: Packet): void {
  let frame: ZclFrame;
  try {
    frame = decodeZcl(packet.data);
  } catch {
    // a frame that is cut short is no frame
    return;
  }
  const arrival = { device, endpoint, packet, frame };
  const fault = faultAt(arrival);
  if (fault === 'leave') device.leave();
  if (fault === 'mute' || fault === 'leave') return;
  try {
    if (frame.global) receiveGlobal(arrival, fault === 'refuse');
    else receiveSpecific(arrival, fault === 'refuse');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    answerByDefault(arrival, ZclStatus.malformedCommand);
  }
}

function faultAt({ device, packet, frame }: Arrival) {
  for (const step of stepsOf(packet, frame)) {
    const fault = device.faults.at(step);
    if (fault) return fault;
  }
  return undefined;
}

function stepsOf(packet: Packet, frame: ZclFrame): Step[] {
  if (!frame.global) return frame.fromServer ? [] : ['command'];
  switch (frame.command) {
    case Global.read:
      return packet.clusterId === BASIC ? ['basicRead', 'read'] : ['read'];
    case Global.write:
    case Global.writeUndivided:
      return packet.clusterId === IAS_ZONE ? ['iasEnrol', 'write'] : ['write'];
    case Global.configureReporting:
      return ['configureReporting'];
    default:
      return [];
  }
}

function receiveGlobal(arrival: Arrival, refused: boolean): void {
  const { endpoint, packet, frame } = arrival;
  if (frame.command === Global.defaultResponse) return;
  const cluster = frame.fromServer ? undefined : endpoint.servers.get(packet.clusterId);
  if (!cluster) {
    answerByDefault(arrival, ZclStatus.unsupportedCluster);
    return;
  }
  const payload = globalResponse(arrival, cluster, refused);
  if (payload === undefined) answerByDefault(arrival, ZclStatus.unsupportedGlobalCommand);
  else if (payload !== null) answer(arrival, true, payload.command, payload.payload);
}

function globalResponse({ endpoint, packet, frame }: Arrival, cluster: Cluster, refused: boolean) {
  const maker = frame.manufacturerCode;
  const reporting = endpoint.reporting.get(packet.clusterId);
  const asked = refused ? REFUSING : cluster;
  switch (frame.command) {
    case Global.read:
      return {
        command: Global.readResponse,
        payload: foundation.readAttributes(asked, frame.payload, maker),
      };
    case Global.write:
    case Global.writeUndivided:
      return {
        command: Global.writeResponse,
        payload: foundation.writeAttributes(asked, frame.payload, maker),
      };
    case Global.writeNoResponse:
      foundation.writeAttributes(asked, frame.payload, maker);
      return null;
    case Global.discover:
      return {
        command: Global.discoverResponse,
        payload: foundation.discoverAttributes(asked, frame.payload, maker),
      };
    case Global.configureReporting: {
      if (!reporting) return undefined;
      const payload = foundation.configureReporting(asked, frame.payload, maker, reporting);
      return { command: Global.configureReportingResponse, payload };
    }
    case Global.readReportingConfiguration: {
      if (!reporting) return undefined;
      const payload = foundation.readReportingConfiguration(asked, frame.payload, maker, reporting);
      return { command: Global.readReportingConfigurationResponse, payload };
    }
    default:
      return undefined;
  }
}

/** Knows no attribute: whatever is asked of it is refused. */
const REFUSING = new Cluster(0xffff);

function receiveSpecific(arrival: Arrival, refused: boolean): void {
  const { endpoint, packet, frame } = arrival;
  if (refused) {
    answerByDefault(arrival, ZclStatus.failure);
    return;
  }
  if (frame.fromServer) {
    const client = endpoint.clients.get(packet.clusterId);
    const status = client?.receive(frame, packet.sourceEndpoint);
    answerByDefault(arrival, status ?? ZclStatus.unsupportedClusterCommand);
    return;
  }
  const cluster = endpoint.servers.get(packet.clusterId);
  if (!cluster) {
    answerByDefault(arrival, ZclStatus.unsupportedCluster);
    return;
  }
  const result = cluster.command(frame.command, {
    payload: new ByteReader(frame.payload),
    manufacturerCode: frame.manufacturerCode,
    multicast: packet.broadcast || packet.groupId !== 0,
    groupId: packet.groupId,
  });
  if (result === undefined) answerByDefault(arrival, ZclStatus.unsupportedClusterCommand);
  else if (typeof result === 'number') answerByDefault(arrival, result);
  else answer(arrival, false, result.command, result.payload);
}

/** Unless the sender wants none and nothing went wrong (ZCL 8, 2.5.12). */
function answerByDefault(arrival: Arrival, status: number): void {
  const { frame } = arrival;
  if (status === ZclStatus.success && frame.disableDefaultResponse) return;
  answer(arrival, true, Global.defaultResponse, Buffer.from([frame.command, status]));
}

function answer(
  { endpoint, packet, frame }: Arrival,
  global: boolean,
  command: number,
  payload: Buffer,
): void {
  if (packet.broadcast || packet.groupId !== 0) return;
  const { manufacturerCode, sequence } = frame;
  const reply = { global, manufacturerCode, fromServer: !frame.fromServer, disableDefaultResponse: true };
  endpoint.sendFrame(packet.clusterId, { ...reply, sequence, command, payload }, packet.sourceEndpoint);
}
