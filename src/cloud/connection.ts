/**
 * One connection to the cloud's broker, from its first SYN to its end: MQTT 5 (OASIS, 7 March 2019), or 3.1.1 where the
 * broker knows no 5. Nothing is queued for a later connection. `onReady` comes at most once, `onEnd` exactly once.
 */
import type { IConnackPacket, IPublishPacket, ISubackPacket, Packet } from 'mqtt-packet';
import { GatewayError } from '../model/error.ts';
import { COMMANDS_UNDER_WAY_MAX, PACKET_MAX_BYTES, SESSION_KEPT_SECONDS } from './limits.ts';
import { type Endpoint, endedBy, type LinkEnd, refusedBy } from './link-end.ts';
import { type Keys, MqttWire } from './mqtt-wire.ts';
import { gone, IDS_MAX, OutgoingMessages } from './outgoing-messages.ts';
import type { SendLimits } from './send-gate.ts';

/** From the first SYN to the CONNACK. */
export const CONNECT_DEADLINE_MS = 30_000;
/** A message that the broker has not acknowledged by then: the connection counts as dead. */
const ACKNOWLEDGE_DEADLINE_MS = 60_000;

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

export class CloudConnection {
  readonly #options: ConnectionOptions;
  readonly #wire: MqttWire;
  readonly #subscribing = new Map<number, (granted: readonly number[]) => void>();
  /** From the CONNACK on. */
  #outgoing: OutgoingMessages | undefined;
  #messageMaxBytes = Infinity;
  readonly #deadline: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #silentTicks = 0;
  #end: LinkEnd | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { endpoint, keys, version } = options;
    const { host, port } = endpoint;
    const reason = `${host}:${port} did not answer within ${CONNECT_DEADLINE_MS / 1_000} s`;
    const late: LinkEnd = { code: 'CONNECTION_LOST', reason, tryOtherVersion: true };
    this.#deadline = setTimeout(() => this.destroy(late), CONNECT_DEADLINE_MS);
    this.#wire = new MqttWire({
      endpoint,
      keys,
      version,
      onSecure: () => this.#login(),
      onBytes: () => {
        this.#silentTicks = 0;
      },
      onPacket: (packet) => this.#receive(packet),
      onEnd: (end) => this.#finish(end),
      closedBy: () => this.#closedByBroker(),
    });
  }

  /** What the gateway proves itself with: PEM. */
  get certificate(): string {
    return this.#options.keys.certificate;
  }

  /** What the broker has refused just now, in words. */
  get refusal(): string | undefined {
    return this.#outgoing?.refusal;
  }

  /** How it ended; undefined while it has not. */
  get end(): LinkEnd | undefined {
    return this.#end;
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
    if (this.#end || !this.#outgoing) return Promise.reject(gone());
    if (Buffer.byteLength(payload) + Buffer.byteLength(topic) > this.#messageMaxBytes) {
      const words = `the broker takes no message of this size to ${topic}`;
      return Promise.reject(new GatewayError('tooLarge', words));
    }
    return this.#outgoing.publish({ topic, payload, isUrgent, retain });
  }

  /** Resolves with a code for each topic, from 128 on a refusal (3.9.3); with none when the connection ended. */
  subscribe(topics: readonly string[]): Promise<readonly number[]> {
    return new Promise((resolve) => {
      const messageId = this.#outgoing?.takeId();
      if (this.#end || messageId === undefined) {
        resolve([]);
        return;
      }
      this.#subscribing.set(messageId, resolve);
      const subscriptions = topics.map((topic) => ({ topic, qos: 1 as const }));
      this.#wire.send({ cmd: 'subscribe', messageId, subscriptions });
    });
  }

  /** An orderly end: the broker does not publish the will. */
  async close(end: LinkEnd): Promise<void> {
    if (this.#outgoing) await this.#wire.close({ cmd: 'disconnect' }, end);
    else this.#wire.end(end);
  }

  /** Ends it at once, as it ends when the other side is gone. */
  destroy(end: LinkEnd): void {
    this.#wire.end(end);
  }

  #login(): void {
    const { clientId, keepAliveSeconds, version, startAnew, will } = this.#options;
    const properties = {
      sessionExpiryInterval: SESSION_KEPT_SECONDS,
      receiveMaximum: COMMANDS_UNDER_WAY_MAX,
      maximumPacketSize: PACKET_MAX_BYTES,
    };
    this.#wire.send({
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
    switch (packet.cmd) {
      case 'connack':
        this.#loggedIn(packet);
        break;
      case 'puback': {
        const { messageId = 0, reasonCode = 0, properties } = packet;
        this.#outgoing?.acknowledged(messageId, reasonCode, properties?.reasonString);
        break;
      }
      case 'suback':
        this.#subscribed(packet);
        break;
      case 'publish':
        this.#message(packet);
        break;
      case 'disconnect':
        this.destroy(endedBy(packet.reasonCode ?? 0, packet.properties?.reasonString));
        break;
      default:
    }
  }

  #loggedIn({ returnCode, reasonCode, properties = {} }: IConnackPacket): void {
    const { limits, version, keepAliveSeconds, monotonicNow, onReady } = this.#options;
    const code = reasonCode ?? returnCode ?? 0;
    if (code !== 0) {
      this.destroy(refusedBy(code, version, properties.reasonString));
      return;
    }
    clearTimeout(this.#deadline);
    this.#messageMaxBytes = properties.maximumPacketSize ?? Infinity;
    const unacknowledgedMax = Math.min(limits.unacknowledgedMax, properties.receiveMaximum ?? IDS_MAX);
    this.#outgoing = new OutgoingMessages({ ...limits, unacknowledgedMax, monotonicNow }, (packet) =>
      this.#wire.send(packet),
    );
    this.#keepAlive(Math.min(keepAliveSeconds, properties.serverKeepAlive || keepAliveSeconds));
    onReady(this);
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
      if (qos === 1 && messageId !== undefined) this.#wire.send({ cmd: 'puback', messageId });
    });
  }

  /** Asks three times in each keep-alive, though other packets flow: where nothing comes back nobody is there. */
  #keepAlive(seconds: number): void {
    const tick = () => {
      const isLate = (this.#outgoing?.oldestMs ?? 0) > ACKNOWLEDGE_DEADLINE_MS;
      if (this.#silentTicks >= 2 || isLate) {
        const what = isLate
          ? `acknowledged nothing for ${ACKNOWLEDGE_DEADLINE_MS / 1_000} s`
          : `was silent for ${seconds} s`;
        this.destroy({
          code: 'MQTT_KEEP_ALIVE_TIMEOUT',
          reason: `the broker ${what}: the connection is dead`,
        });
        return;
      }
      this.#silentTicks += 1;
      this.#wire.send({ cmd: 'pingreq' });
    };
    this.#timer = setInterval(tick, (seconds * 1_000) / 3);
  }

  #closedByBroker(): LinkEnd {
    const { host, port } = this.#options.endpoint;
    if (this.#outgoing) return { code: 'CONNECTION_LOST', reason: 'the broker closed the connection' };
    const reason = `${host}:${port} closed the connection without a word: it may not know this gateway's certificate`;
    return { code: 'AUTH_ERROR', reason, tryOtherVersion: true };
  }

  #finish(end: LinkEnd): void {
    this.#end = end;
    clearTimeout(this.#deadline);
    clearInterval(this.#timer);
    this.#outgoing?.end();
    for (const resolve of this.#subscribing.values()) resolve([]);
    this.#subscribing.clear();
    this.#options.onEnd(end);
  }
}
