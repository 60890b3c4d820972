/**
 * Stands between a gateway and the cloud's broker, with TLS on both sides, and keeps account of each reading: published by
 * the gateway, acknowledged by the broker. So what was acknowledged and then lost by the broker can be told from what was
 * never sent. It changes nothing of what passes.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { parser as mqttParser, type Packet, type Parser } from 'mqtt-packet';
import type { Authority, Pair } from '../../scripts/cloud/authority.ts';
import { numbersIn } from '../../src/cloud/relay/relay-message.ts';
import type { RelayItem } from '../../src/model/relay.ts';

/** A code from here on is a refusal (MQTT 5, 3.4.2.1). */
const FIRST_REFUSAL = 128;

export interface CloudRecorderOptions {
  authority: Authority;
  /** What the gateway is known by: the recorder shows it to the broker in the gateway's place. */
  pair: Pair;
  brokerPort: number;
}

export class CloudRecorder {
  /** Readings that the gateway has published, and the id under which it did: by number. */
  readonly published = new Map<number, string>();
  /** Numbers that the broker has acknowledged. */
  readonly acknowledged = new Set<number>();
  /** Publications that were not acknowledged when their connection ended. */
  unanswered = 0;
  /** What should not be: a number under two ids, something that is no MQTT. */
  readonly troubles: string[] = [];
  readonly #options: CloudRecorderOptions;
  readonly #own: SecureContext;
  /** Connections of gateways are read only once the broker is there: while it is away nobody answers. */
  readonly #server: Server = createServer({ pauseOnConnect: true }, (socket) => this.#join(socket));
  readonly #sockets = new Set<Socket>();

  private constructor(options: CloudRecorderOptions) {
    this.#options = options;
    const { authority } = options;
    const own = authority.issue({ commonName: 'recorder', alternativeNames: 'IP:127.0.0.1,DNS:localhost' });
    this.#own = createSecureContext({ cert: own.certificate, key: own.key, ca: authority.certificate });
  }

  static async start(options: CloudRecorderOptions): Promise<CloudRecorder> {
    const recorder = new CloudRecorder(options);
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Of the numbers from 1 to `last`, those that the broker never acknowledged: what the gateway would have lost. */
  unacknowledged(last: number): number[] {
    const numbers = Array.from({ length: last }, (_, index) => index + 1);
    return numbers.filter((seq) => !this.acknowledged.has(seq));
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #join(socket: Socket): void {
    const { authority, pair, brokerPort } = this.#options;
    const broker = connect({
      host: '127.0.0.1',
      port: brokerPort,
      ca: authority.certificate,
      cert: pair.certificate,
      key: pair.key,
    });
    for (const [one, other] of [
      [socket, broker],
      [broker, socket],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    broker.once('secureConnect', () => this.#record(socket, broker));
  }

  #record(socket: Socket, broker: TLSSocket): void {
    const gateway = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#own,
      requestCert: true,
      rejectUnauthorized: true,
    });
    gateway.on('error', () => socket.destroy());
    const account = new ConnectionAccount(this);
    broker.on('close', () => {
      this.unanswered += account.waiting;
    });
    // noted before it is handed on: the other side cannot have answered yet
    gateway.on('data', (bytes: Buffer) => account.fromGateway(bytes));
    broker.on('data', (bytes: Buffer) => account.fromBroker(bytes));
    gateway.pipe(broker);
    broker.pipe(gateway);
  }
}

/** One connection: message ids are of no other. */
class ConnectionAccount {
  readonly #recorder: CloudRecorder;
  readonly #waiting = new Map<number, readonly RelayItem[]>();
  readonly #gateway: Parser;
  /** It has to know the version, which the first packet says. */
  #broker: Parser | undefined;

  constructor(recorder: CloudRecorder) {
    this.#recorder = recorder;
    this.#gateway = this.#parser(5, (packet) => this.#sent(packet));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  fromGateway(bytes: Buffer): void {
    this.#gateway.parse(bytes);
  }

  fromBroker(bytes: Buffer): void {
    this.#broker?.parse(bytes);
  }

  #parser(protocolVersion: number, onPacket: (packet: Packet) => void): Parser {
    const parser = mqttParser({ protocolVersion });
    parser.on('packet', onPacket);
    parser.on('error', (error: Error) => this.#recorder.troubles.push(error.message));
    return parser;
  }

  #sent(packet: Packet): void {
    if (packet.cmd === 'connect')
      this.#broker = this.#parser(packet.protocolVersion ?? 5, (answer) => this.#answered(answer));
    if (packet.cmd !== 'publish' || packet.messageId === undefined) return;
    const items = readingsIn(packet.payload);
    for (const item of items) {
      if (!('id' in item)) continue;
      const { published, troubles } = this.#recorder;
      const before = published.get(item.seq);
      if (before !== undefined && before !== item.id) troubles.push(`number ${item.seq} is two readings`);
      published.set(item.seq, item.id);
    }
    this.#waiting.set(packet.messageId, items);
  }

  #answered(packet: Packet): void {
    if (packet.cmd !== 'puback') return;
    const { messageId = 0, reasonCode = 0 } = packet;
    const items = this.#waiting.get(messageId) ?? [];
    this.#waiting.delete(messageId);
    if (reasonCode >= FIRST_REFUSAL) return;
    for (const item of items) {
      const { first, last } = numbersIn(item);
      for (let seq = first; seq <= last; seq += 1) this.#recorder.acknowledged.add(seq);
    }
  }
}

/** Reports and answers have none. */
function readingsIn(payload: string | Buffer): RelayItem[] {
  const found: unknown = JSON.parse(payload.toString());
  const items = Array.isArray(found) ? found : [found];
  return items.filter((item) => 'seq' in item || 'dropped' in item) as RelayItem[];
}
