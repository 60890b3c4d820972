/**
 * KNXnet/IP over TCP in front of knxd, which speaks UDP only: what a server of core version 2 does, with knxd's own
 * bus behind it. Written from KNX standard 03_08_02 v2, not with the add-on's code.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

const CONNECT_RESPONSE = 0x0206;
const TUNNELLING_REQUEST = 0x0420;
const TUNNELLING_ACK = 0x0421;
/** Host protocol of an endpoint. */
const [UDP, TCP] = [1, 2];

export class KnxTcpFront {
  readonly #knxdPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true }, (socket) => this.#serve(socket));

  constructor(knxdPort: number) {
    this.#knxdPort = knxdPort;
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends the connections of all clients. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.drop();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const udp = createSocket('udp4');
    let bytes = Buffer.alloc(0);
    let sequence = 0;
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 6 && bytes.length >= bytes.readUInt16BE(4)) {
        const frame = Buffer.from(bytes.subarray(0, bytes.readUInt16BE(4)));
        bytes = bytes.subarray(frame.length);
        if (frame.readUInt16BE(2) === TUNNELLING_REQUEST) {
          // the sequence counter means nothing over TCP
          frame[8] = sequence;
          sequence = (sequence + 1) & 255;
        }
        udp.send(exchanged(frame, TCP, UDP), this.#knxdPort, '127.0.0.1');
      }
    });
    udp.on('message', (frame) => {
      const service = frame.readUInt16BE(2);
      if (service === TUNNELLING_ACK) return;
      if (service === TUNNELLING_REQUEST) {
        const head = frame.subarray(6, 10);
        udp.send(Buffer.concat([Buffer.of(6, 0x10, 4, 0x21, 0, 10), head]), this.#knxdPort, '127.0.0.1');
        frame[8] = 0;
      }
      const withoutEndpoint = service === CONNECT_RESPONSE ? exchanged(frame, UDP, TCP) : frame;
      // in two pieces, as a network may deliver it
      socket.write(withoutEndpoint.subarray(0, 3));
      socket.write(withoutEndpoint.subarray(3));
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      udp.close();
    });
  }
}

/** The frame with each endpoint of one host protocol become "where this came from" of the other. */
function exchanged(frame: Buffer, from: number, to: number): Buffer {
  for (const at of [6, 8, 14]) {
    if (frame[at] !== 8 || frame[at + 1] !== from || frame.length < at + 8) continue;
    frame.fill(0, at + 1, at + 8);
    frame[at + 1] = to;
  }
  return frame;
}
