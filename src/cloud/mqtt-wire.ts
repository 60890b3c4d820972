/**
 * MQTT packets over TLS, to and from the cloud's broker. Packets of one task leave as one write. A packet that says it
 * is too large ends the connection before any of it is kept. `onEnd` comes exactly once, and nothing that the broker
 * sends throws.
 */
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { generate, parser as mqttParser, type Packet } from 'mqtt-packet';
import { PacketLengths } from '../lib/packet-lengths.ts';
import { PACKET_MAX_BYTES } from './limits.ts';
import type { Endpoint, LinkEnd } from './link-end.ts';
import { networkFailure } from './network-failure.ts';

/** How long an orderly end may take. */
const CLOSE_DEADLINE_MS = 2_000;
/** On this port AWS IoT wants to be told what is spoken. */
const ALPN = { port: 443, protocol: 'x-amzn-mqtt-ca' };

export interface Keys {
  certificate: string;
  key: string;
  /** Where there is none, the authorities that Node knows. */
  authorities?: string | undefined;
}

export interface MqttWireOptions {
  endpoint: Endpoint;
  keys: Keys;
  version: 4 | 5;
  /** TLS is there: packets may be sent. */
  onSecure: () => void;
  /** Something came. */
  onBytes: () => void;
  onPacket: (packet: Packet) => void;
  onEnd: (end: LinkEnd) => void;
  /** What it means when the other side closes the connection just now. */
  closedBy: () => LinkEnd;
}

export class MqttWire {
  readonly #options: MqttWireOptions;
  readonly #socket: TLSSocket;
  #outgoing: Buffer[] = [];
  #isOver = false;

  constructor(options: MqttWireOptions) {
    this.#options = options;
    const { endpoint, keys, version, onSecure, onPacket, onBytes, closedBy } = options;
    const { host, port } = endpoint;
    // each connection asks for the name anew: an endpoint that has moved is found where it is now
    this.#socket = connectTls({
      host,
      port,
      cert: keys.certificate,
      key: keys.key,
      minVersion: 'TLSv1.2',
      ...(keys.authorities === undefined ? {} : { ca: keys.authorities }),
      ...(isIP(host) ? {} : { servername: host }),
      ...(port === ALPN.port ? { ALPNProtocols: [ALPN.protocol] } : {}),
    });
    this.#socket.setNoDelay(true);
    const parser = mqttParser({ protocolVersion: version });
    parser.on('packet', (packet) => {
      if (!this.#isOver) onPacket(packet);
    });
    parser.on('error', () => this.end(unlikeMqtt(version)));
    const lengths = new PacketLengths(PACKET_MAX_BYTES);
    this.#socket.on('secureConnect', onSecure);
    this.#socket.on('data', (bytes: Buffer) => {
      if (this.#isOver) return;
      onBytes();
      try {
        lengths.take(bytes);
      } catch {
        this.end(TOO_LARGE);
        return;
      }
      parser.parse(bytes);
    });
    this.#socket.on('error', (error) => this.end(networkFailure(error, endpoint)));
    this.#socket.on('close', () => this.end(closedBy()));
  }

  send(packet: Packet): void {
    if (this.#isOver) return;
    this.#outgoing.push(generate(packet, { protocolVersion: this.#options.version }));
    if (this.#outgoing.length === 1) queueMicrotask(() => this.#flush());
  }

  /** Sends `last` and lets the other side take it. */
  async close(last: Packet, end: LinkEnd): Promise<void> {
    if (this.#isOver) return;
    this.send(last);
    this.#flush();
    this.#isOver = true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_DEADLINE_MS);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.end();
      this.#options.onEnd(end);
    });
    this.#socket.destroy();
  }

  /** At once, as when the other side is gone. */
  end(end: LinkEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
    this.#options.onEnd(end);
  }

  #flush(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    if (outgoing.length === 0 || this.#socket.destroyed || this.#isOver) return;
    this.#socket.write(outgoing.length === 1 ? (outgoing[0] as Buffer) : Buffer.concat(outgoing));
  }
}

const TOO_LARGE: LinkEnd = {
  code: 'SERVER_ERROR',
  reason: `the broker sent a message of more than ${PACKET_MAX_BYTES} bytes: what it keeps for this gateway is let go`,
  startAnew: true,
};

function unlikeMqtt(version: 4 | 5): LinkEnd {
  const reason = 'the broker sent something that is not MQTT';
  return { code: 'SERVER_ERROR', reason, ...(version === 5 ? { tryOtherVersion: true } : {}) };
}
