/**
 * KNXnet/IP frames (KNX standard, 03_08_02 Core, chapters 2, 7 and 8): the header, endpoints and the services that a
 * client speaks. What is not whole is `undefined`, never an error: anybody can send to a UDP port.
 */

export const SERVICE = {
  searchRequest: 0x0201,
  searchResponse: 0x0202,
  descriptionRequest: 0x0203,
  descriptionResponse: 0x0204,
  connectRequest: 0x0205,
  connectResponse: 0x0206,
  connectionStateRequest: 0x0207,
  connectionStateResponse: 0x0208,
  disconnectRequest: 0x0209,
  disconnectResponse: 0x020a,
  tunnellingRequest: 0x0420,
  tunnellingAck: 0x0421,
  routingIndication: 0x0530,
  routingLostMessage: 0x0531,
  routingBusy: 0x0532,
} as const;

export const HEADER_BYTES = 6;
const VERSION = 0x10;

export interface IpFrame {
  service: number;
  body: Buffer;
}

export function encodeFrame(service: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.from([HEADER_BYTES, VERSION, 0, 0, 0, 0]);
  header.writeUInt16BE(service, 2);
  header.writeUInt16BE(HEADER_BYTES + body.length, 4);
  return Buffer.concat([header, body]);
}

/** A whole datagram. */
export function decodeFrame(bytes: Buffer): IpFrame | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] !== HEADER_BYTES || bytes[1] !== VERSION) return undefined;
  if (bytes.readUInt16BE(4) !== bytes.length) return undefined;
  return { service: bytes.readUInt16BE(2), body: bytes.subarray(HEADER_BYTES) };
}

/** Where a side is reached. Port 0 at 0.0.0.0: "where this came from" (route back). */
export interface Endpoint {
  host: string;
  port: number;
}

export const ROUTE_BACK: Endpoint = { host: '0.0.0.0', port: 0 };

/** Host protocols of an HPAI. */
export type HostProtocol = 'udp' | 'tcp';

/** Host Protocol Address Information, 7.5.1 and 8.6.2. */
export function encodeEndpoint({ host, port }: Endpoint, protocol: HostProtocol): Buffer {
  const ports = [port >> 8, port & 255];
  return Buffer.from([8, protocol === 'udp' ? 1 : 2, ...host.split('.').map(Number), ...ports]);
}

export function decodeEndpoint(bytes: Buffer): Endpoint | undefined {
  if (bytes.length < 8 || bytes[0] !== 8) return undefined;
  return { host: bytes.subarray(2, 6).join('.'), port: bytes.readUInt16BE(6) };
}

export interface ConnectAnswer {
  channel: number;
  status: number;
  /** Where telegrams go; undefined where the server has refused. */
  endpoint: Endpoint | undefined;
  /** The individual address of this tunnel. */
  individualAddress: number | undefined;
}

/** CONNECT_REQUEST for a tunnel on the link layer; `individualAddress` asks for a certain one (tunnelling v2). */
export function connectRequest(endpoint: Buffer, individualAddress?: number): Buffer {
  const cri =
    individualAddress === undefined
      ? [4, 0x04, 0x02, 0]
      : [6, 0x04, 0x02, 0, individualAddress >> 8, individualAddress & 255];
  return encodeFrame(SERVICE.connectRequest, endpoint, endpoint, Buffer.from(cri));
}

export function parseConnectAnswer(body: Buffer): ConnectAnswer | undefined {
  const [channel, status] = body;
  if (channel === undefined || status === undefined) return undefined;
  const endpoint = decodeEndpoint(body.subarray(2));
  if (status === 0 && endpoint === undefined) return undefined;
  const crd = body.subarray(10);
  const individualAddress = crd.length >= 4 && crd[0] === 4 ? crd.readUInt16BE(2) : undefined;
  return { channel, status, endpoint, individualAddress };
}

/** CONNECTIONSTATE_REQUEST and DISCONNECT_REQUEST, which are built alike. */
export function channelRequest(service: number, channel: number, endpoint: Buffer): Buffer {
  return encodeFrame(service, Buffer.from([channel, 0]), endpoint);
}

/** The answers to these. */
export function channelResponse(service: number, channel: number, status: number): Buffer {
  return encodeFrame(service, Buffer.from([channel, status]));
}

export function parseChannelStatus(body: Buffer): { channel: number; status: number } | undefined {
  const [channel, status] = body;
  return channel === undefined || status === undefined ? undefined : { channel, status };
}

/** Connection header (03_08_04 Tunnelling, 4.4.6): which telegram of which tunnel. */
export interface Numbered {
  channel: number;
  sequence: number;
  /** Of an acknowledgement; 0 in a request. */
  status: number;
  payload: Buffer;
}

export function tunnellingRequest(channel: number, sequence: number, cemi: Buffer): Buffer {
  return encodeFrame(SERVICE.tunnellingRequest, Buffer.from([4, channel, sequence, 0]), cemi);
}

export function tunnellingAck(channel: number, sequence: number, status = 0): Buffer {
  return encodeFrame(SERVICE.tunnellingAck, Buffer.from([4, channel, sequence, status]));
}

export function parseNumbered(body: Buffer): Numbered | undefined {
  const [length, channel, sequence, status] = body;
  if (length !== 4 || channel === undefined || sequence === undefined || status === undefined)
    return undefined;
  return { channel, sequence, status, payload: body.subarray(4) };
}
