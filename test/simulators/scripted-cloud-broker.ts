/**
 * A broker of the cloud that does what a test says, over TLS with client certificates: for what mosquitto cannot be
 * made to do. It speaks MQTT 5 and 3.1.1 by mqtt-packet and keeps nothing.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { generate, parser as mqttParser, type Packet } from 'mqtt-packet';
import type { Authority } from '../../scripts/cloud/authority.ts';

export interface Client {
  version: number;
  clientId: string;
  clean: boolean;
  properties: Record<string, unknown>;
  send: (packet: Packet) => void;
  /** Bytes as they are. */
  write: (bytes: Buffer) => void;
  end: () => void;
}

export class ScriptedCloudBroker {
  /** What it answers to a CONNECT; nothing: it lets the client in. */
  onConnect: (client: Client) => Packet | undefined = () => undefined;
  /** What it answers to any other packet in place of the usual; undefined: the usual. */
  onPacket: (packet: Packet, client: Client) => Packet | 'nothing' | undefined = () => undefined;
  readonly clients: Client[] = [];
  readonly received: Packet[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();

  constructor(authority: Authority) {
    const { certificate: cert, key } = authority.issue({
      commonName: 'broker',
      alternativeNames: 'IP:127.0.0.1,DNS:localhost',
    });
    const options = { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
    this.#server = createServer(options, (socket) => this.#serve(socket));
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    const parser = mqttParser();
    let client: Client | undefined;
    const send = (packet: Packet, protocolVersion = client?.version ?? 4) => {
      if (!socket.destroyed) socket.write(generate(packet, { protocolVersion }));
    };
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        client = {
          version: packet.protocolVersion ?? 4,
          clientId: packet.clientId,
          clean: packet.clean ?? false,
          properties: { ...packet.properties },
          send,
          write: (bytes) => socket.write(bytes),
          end: () => socket.end(),
        };
        this.clients.push(client);
        const welcome = { cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0 } as const;
        send(this.onConnect(client) ?? welcome);
        return;
      }
      this.received.push(packet);
      if (!client) return;
      const answer = this.onPacket(packet, client) ?? usual(packet);
      if (answer !== undefined && answer !== 'nothing') send(answer);
    });
    parser.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => parser.parse(bytes));
  }
}

function usual(packet: Packet): Packet | undefined {
  if (packet.cmd === 'pingreq') return { cmd: 'pingresp' };
  if (packet.cmd === 'publish' && packet.qos === 1 && packet.messageId !== undefined)
    return { cmd: 'puback', messageId: packet.messageId };
  if (packet.cmd === 'subscribe' && packet.messageId !== undefined)
    return { cmd: 'suback', messageId: packet.messageId, granted: packet.subscriptions.map(() => 1) };
  return undefined;
}
