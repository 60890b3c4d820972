/**
 * One connection to the cloud's broker, from its first SYN to its end: MQTT 5, or 3.1.1 where the broker knows no 5,
 * over TLS with this gateway's certificate. Nothing is queued for a later connection. `onReady` comes at most once,
 * `onEnd` exactly once, and nothing that the broker sends throws.
 */
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type ISubackPacket,
  parser as mqttParser,
  type Packet,
} from 'mqtt-packet';
import { PacketLengths } from '../lib/packet-lengths.ts';
import { GatewayError } from '../model/error.ts';
import { COMMANDS_UNDER_WAY_MAX, PACKET_MAX_BYTES, SESSION_KEPT_SECONDS } from './limits.ts';
import { type Endpoint, endedBy, type LinkEnd, refusedBy, wordsOf } from './link-end.ts';
import { networkFailure } from './network-failure.ts';
import { SendGate, type SendLimits } from './send-gate.ts';

/** From the first SYN to the CONNACK. */
export const CONNECT_DEADLINE_MS = 30_000;
/** A message that the broker has not acknowledged by then: the connection counts as dead. */
const ACKNOWLEDGE_DEADLINE_MS = 60_000;
/** How long an orderly end may take. */
const CLOSE_DEADLINE_MS = 2_000;
/** On this port AWS IoT wants to be told what is spoken. */
const ALPN = { port: 443, protocol: 'x-amzn-mqtt-ca' };
const FIRST_REFUSAL = 128;
const LAST_ID = 65_535;

export interface Keys {
  certificate: string;
  key: string;
  /** Where there is none, the authorities that Node knows. */
  authorities?: string | undefined;
}

export interface Incoming {
  topic: string;
  payload: Buffer;
  packetId: number | undefined;
  /** It may have been sent before. */
  isRepeat: boolean;
  /** MQTT 5: what the sender added. */
  properties: Readonly<Record<string, unknown>>;
}

export interface ConnectionOptions {
  endpoint: Endpoint;
  keys: Keys;
  clientId: string;
  version: 4 | 5;
  /** The broker lets go of what it kept for this client. */
  startAnew: boolean;
  keepAliveSeconds: number;
  limits: SendLimits;
  will: { topic: string; payload: string };
  monotonicNow: () => number;
  onReady: (connection: CloudConnection) => void;
  /** Acknowledged to the broker when the promise resolves; it must not reject. */
  onMessage: (message: Incoming) => Promise<void>;
  onEnd: (end: LinkEnd) => void;
}

interface Unacknowledged {
  settle: (refusal?: number, said?: string) => void;
  reject: (error: GatewayError) => void;
  sentAtMs: number;
}

export class CloudConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: TLSSocket;
  readonly #unacknowledged = new Map<number, Unacknowledged>();
  readonly #subscribing = new Map<number, (granted: readonly number[]) => void>();
  /** Messages that wait for their turn. */
  readonly #waiting = new Set<(error: GatewayError) => void>();
  #gate: SendGate | undefined;
  #outgoing: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout;
  #nextId = 1;
  #silentTicks = 0;
  #messageMaxBytes = Infinity;
  #end: LinkEnd | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { endpoint, keys, version } = options;
    const { host, port } = endpoint;
    this.#deadline = setTimeout(
      () =>
        this.#finish({
          code: 'CONNECTION_LOST',
          reason: `${host}:${port} did not answer within ${CONNECT_DEADLINE_MS / 1_000} s`,
          tryOtherVersion: true,
        }),
      CONNECT_DEADLINE_MS,
    );
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
    parser.on('packet', (packet) => this.#receive(packet));
    parser.on('error', () => this.#finish(unlikeMqtt(version)));
    const lengths = new PacketLengths(PACKET_MAX_BYTES);
    this.#socket.on('secureConnect', () => this.#login());
    this.#socket.on('data', (bytes: Buffer) => {
      if (this.#end) return;
      this.#silentTicks = 0;
      try {
        lengths.take(bytes);
      } catch {
        this.#finish({
          code: 'SERVER_ERROR',
          reason: `the broker sent a message of more than ${PACKET_MAX_BYTES} bytes: what it keeps for this gateway is let go`,
          startAnew: true,
        });
        return;
      }
      parser.parse(bytes);
    });
    this.#socket.on('error', (error) => this.#finish(networkFailure(error, endpoint)));
    this.#socket.on('close', () => this.#finish(this.#brokenOff()));
  }

  /** How it ended; undefined while it has not. */
  get end(): LinkEnd | undefined {
    return this.#end;
  }

  /** Where the name has led to. */
  get address(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /**
   * QoS 1; resolves when the broker has acknowledged.
   * @throws GatewayError cloudGone when the connection ended first; cloudRefused when the broker says no; tooLarge
   */
  publish(
    topic: string,
    payload: string,
    { isUrgent = false, retain = false }: { isUrgent?: boolean; retain?: boolean } = {},
  ): Promise<void> {
    if (this.#end || !this.#gate) return Promise.reject(gone());
    if (Buffer.byteLength(payload) + Buffer.byteLength(topic) > this.#messageMaxBytes) {
      return Promise.reject(
        new GatewayError('tooLarge', `the broker takes no message of this size to ${topic}`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const send = () => {
        this.#waiting.delete(reject);
        const messageId = this.#takeId();
        const settle = (refusal?: number, said?: string) =>
          refusal === undefined ? resolve() : reject(refused(topic, refusal, said));
        this.#unacknowledged.set(messageId, { settle, reject, sentAtMs: this.#options.monotonicNow() });
        this.#send({ cmd: 'publish', qos: 1, retain, dup: false, topic, payload, messageId });
      };
      this.#gate?.submit(send, { isUrgent });
    });
  }

  /** Resolves with a code for each topic, from 128 on a refusal (3.9.3). Never rejects: what ended resolves as refused. */
  subscribe(topics: readonly string[]): Promise<readonly number[]> {
    return new Promise((resolve) => {
      const messageId = this.#takeId();
      this.#subscribing.set(messageId, resolve);
      this.#send({
        cmd: 'subscribe',
        messageId,
        subscriptions: topics.map((topic) => ({ topic, qos: 1 as const })),
      });
    });
  }

  /** An orderly end: the broker does not publish the will. */
  async close(end: LinkEnd): Promise<void> {
    if (this.#end) return;
    if (this.#gate) this.#send({ cmd: 'disconnect' });
    this.#flush();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_DEADLINE_MS);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      if (this.#gate) this.#socket.end();
      else this.#socket.destroy();
      this.#finish(end, { isOrderly: true });
    });
    this.#socket.destroy();
  }

  /** Ends it at once, as it ends when the other side is gone. */
  destroy(end: LinkEnd): void {
    this.#finish(end);
  }

  #login(): void {
    const { clientId, keepAliveSeconds, version, startAnew, will } = this.#options;
    const properties = {
      sessionExpiryInterval: SESSION_KEPT_SECONDS,
      receiveMaximum: COMMANDS_UNDER_WAY_MAX,
      maximumPacketSize: PACKET_MAX_BYTES,
    };
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clean: startAnew,
      clientId,
      keepalive: keepAliveSeconds,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
      ...(version === 5 ? { properties } : {}),
    });
  }

  #receive(packet: Packet): void {
    if (this.#end) return;
    switch (packet.cmd) {
      case 'connack':
        this.#loggedIn(packet);
        break;
      case 'puback':
        this.#acknowledged(packet.messageId ?? 0, packet.reasonCode, packet.properties?.reasonString);
        break;
      case 'suback':
        this.#subscribed(packet);
        break;
      case 'publish':
        this.#message(packet);
        break;
      case 'disconnect':
        this.#finish(endedBy(packet.reasonCode ?? 0, packet.properties?.reasonString));
        break;
      default:
    }
  }

  #loggedIn({ returnCode, reasonCode, properties = {} }: IConnackPacket): void {
    const { limits, version, keepAliveSeconds, monotonicNow, onReady } = this.#options;
    const code = reasonCode ?? returnCode ?? 0;
    if (code !== 0) {
      this.#finish(refusedBy(code, version, properties.reasonString));
      return;
    }
    clearTimeout(this.#deadline);
    this.#messageMaxBytes = properties.maximumPacketSize ?? Infinity;
    this.#gate = new SendGate({
      publishesPerSecond: limits.publishesPerSecond,
      unacknowledgedMax: Math.min(limits.unacknowledgedMax, properties.receiveMaximum ?? LAST_ID - 1),
      monotonicNow,
    });
    this.#keepAlive(Math.min(keepAliveSeconds, properties.serverKeepAlive || keepAliveSeconds));
    onReady(this);
  }

  #acknowledged(packetId: number, code = 0, said?: string): void {
    const message = this.#unacknowledged.get(packetId);
    if (!message) return;
    this.#unacknowledged.delete(packetId);
    message.settle(code >= FIRST_REFUSAL ? code : undefined, said);
    this.#gate?.acknowledged();
  }

  #subscribed({ messageId = 0, granted }: ISubackPacket): void {
    const codes = granted.map((code) => (typeof code === 'number' ? code : 0));
    this.#subscribing.get(messageId)?.(codes);
    this.#subscribing.delete(messageId);
  }

  #message({ topic, payload, qos, messageId, dup, properties = {} }: IPublishPacket): void {
    const message = {
      topic,
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
      packetId: messageId,
      isRepeat: dup,
      properties: { ...properties.userProperties },
    };
    void this.#options.onMessage(message).then(() => {
      if (qos === 1 && messageId !== undefined) this.#send({ cmd: 'puback', messageId });
    });
  }

  /** Asks three times in each keep-alive, though other packets flow: where nothing comes back nobody is there. */
  #keepAlive(seconds: number): void {
    this.#timer = setInterval(
      () => {
        const [oldest] = this.#unacknowledged.values();
        const isLate =
          oldest !== undefined && this.#options.monotonicNow() - oldest.sentAtMs > ACKNOWLEDGE_DEADLINE_MS;
        if (this.#silentTicks >= 2 || isLate) {
          const what = isLate ? 'acknowledged nothing' : 'was silent';
          const forSeconds = isLate ? ACKNOWLEDGE_DEADLINE_MS / 1_000 : seconds;
          const reason = `the broker ${what} for ${forSeconds} s: the connection is dead`;
          this.#finish({ code: 'MQTT_KEEP_ALIVE_TIMEOUT', reason });
          return;
        }
        this.#silentTicks += 1;
        this.#send({ cmd: 'pingreq' });
      },
      (seconds * 1_000) / 3,
    );
  }

  /** Packets of one task leave as one write. */
  #send(packet: Packet): void {
    if (this.#end) return;
    const { version } = this.#options;
    this.#outgoing.push(generate(packet, { protocolVersion: version }));
    if (this.#outgoing.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    if (outgoing.length === 0 || this.#socket.destroyed) return;
    this.#socket.write(outgoing.length === 1 ? (outgoing[0] as Buffer) : Buffer.concat(outgoing));
  }

  #takeId(): number {
    do this.#nextId = this.#nextId === LAST_ID ? 1 : this.#nextId + 1;
    while (this.#unacknowledged.has(this.#nextId) || this.#subscribing.has(this.#nextId));
    return this.#nextId;
  }

  #brokenOff(): LinkEnd {
    const { endpoint } = this.#options;
    if (this.#gate) return { code: 'CONNECTION_LOST', reason: 'the broker closed the connection' };
    const reason = `${endpoint.host}:${endpoint.port} closed the connection without a word: it may not know this gateway's certificate`;
    return { code: 'AUTH_ERROR', reason, tryOtherVersion: true };
  }

  #finish(end: LinkEnd, { isOrderly = false } = {}): void {
    if (this.#end) return;
    this.#end = end;
    clearTimeout(this.#deadline);
    clearInterval(this.#timer);
    if (!isOrderly) this.#socket.destroy();
    this.#gate?.close();
    const error = gone();
    for (const { reject } of this.#unacknowledged.values()) reject(error);
    for (const reject of this.#waiting) reject(error);
    for (const resolve of this.#subscribing.values()) resolve([]);
    this.#unacknowledged.clear();
    this.#waiting.clear();
    this.#subscribing.clear();
    this.#options.onEnd(end);
  }
}

function gone(): GatewayError {
  return new GatewayError('cloudGone', 'the connection to the cloud ended before the broker acknowledged');
}

function refused(topic: string, code: number, said?: string): GatewayError {
  const hint = 'allow it in the policy (ACL) of this certificate at the broker';
  const words = `the broker refuses what is published to ${topic}: ${wordsOf(code)}${said ? ` (${said})` : ''}`;
  return new GatewayError('cloudRefused', words, { hint });
}

function unlikeMqtt(version: 4 | 5): LinkEnd {
  const reason = 'the broker sent something that is not MQTT';
  return { code: 'SERVER_ERROR', reason, ...(version === 5 ? { tryOtherVersion: true } : {}) };
}
