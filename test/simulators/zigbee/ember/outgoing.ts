/** A message of the host as its three commands have it (UG100: "sendUnicast", "sendBroadcast", "sendMulticast"). */
import type { Packet } from '../air/packet.ts';
import type { ByteReader } from '../bytes.ts';
import type { ZdoRequest } from '../zdo-exchange.ts';
import { type ApsFrame, readApsFrame } from './aps-frame.ts';
import { OutgoingType } from './ezsp-numbers.ts';

const EVERYBODY = 0xffff;

export interface Outgoing {
  type: number;
  destination: number;
  aps: ApsFrame;
  /** The host's own word for it. */
  tag: number;
  data: Buffer;
}

export function readUnicast(taken: ByteReader, sequence: number): Outgoing {
  const [type, destination] = [taken.u8(), taken.u16()];
  const aps = { ...readApsFrame(taken), sequence };
  return { type, destination, aps, tag: taken.u16(), data: readData(taken) };
}

export function readBroadcast(taken: ByteReader, sequence: number): Outgoing {
  // whom it pretends to come from
  taken.u16();
  const destination = taken.u16();
  taken.u8();
  const aps = { ...readApsFrame(taken), sequence };
  // how far it goes
  taken.u8();
  return { type: OutgoingType.broadcast, destination, aps, tag: taken.u16(), data: readData(taken) };
}

export function readMulticast(taken: ByteReader, sequence: number): Outgoing {
  const aps = { ...readApsFrame(taken), sequence };
  // how far it goes, to which broadcast address, from whom, with which number
  taken.bytes(1 + 2 + 2 + 1);
  return {
    type: OutgoingType.multicast,
    destination: EVERYBODY,
    aps,
    tag: taken.u16(),
    data: readData(taken),
  };
}

function readData(taken: ByteReader): Buffer {
  return Buffer.from(taken.bytes(taken.u8()));
}

/** The transaction number, and the request without it. */
export function zdoOf({ aps, data }: Outgoing): [sequence: number, request: ZdoRequest] {
  return [data[0] ?? 0, { clusterId: aps.clusterId, payload: data.subarray(1) }];
}

export function packetOf({ type, aps, data }: Outgoing, broadcast: boolean): Packet {
  const { clusterId, profileId, sourceEndpoint, destinationEndpoint } = aps;
  const groupId = type === OutgoingType.multicast ? aps.groupId : 0;
  return { clusterId, profileId, sourceEndpoint, destinationEndpoint, groupId, broadcast, data };
}
