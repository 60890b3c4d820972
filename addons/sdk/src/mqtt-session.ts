/**
 * One add-on's session with gate's broker: MQTT 3.1.1 (OASIS, 29 October 2014) over TCP, clean sessions only.
 *
 * It connects, logs in, subscribes, keeps alive, notices a dead connection, and comes back with back-off and jitter
 * until `stop`. Nothing is queued here: what is to survive a broken connection is its caller's to keep.
 * `onConnected` and `onDisconnected` alternate, starting with the former. Nothing the broker sends throws.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type IPublishPacket, parser as mqttParser, type Packet } from 'mqtt-packet';
import { backoffMs } from '../../../src/lib/backoff.ts';
import type { Clock } from './clock.ts';
import { PacketBatch } from './packet-batch.ts';
import { READING_PACKET_IDS } from './reading-queue.ts';

export const KEEP_ALIVE_SECONDS = 5;
/** From the first SYN to the CONNACK. */
export const CONNECT_DEADLINE_MS = 5_000;
/** The broker is on the same box: it is asked often. */
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 2_000;
/** A connection that lived so long counts as good: the next wait is the shortest again. */
const STABLE_MS = 5_000;
/** How long `stop` waits for the broker to take the last bytes. */
const CLOSE_DEADLINE_MS = 500;

/** Clause 3.9.3. */
const SUBACK_FAILURE = 0x80;
const FIRST_CONTROL_ID = READING_PACKET_IDS + 1;
const LAST_ID = 65_535;

export interface MqttSessionOptions {
  broker: { host: string; port: number };
  /** Also the MQTT client id. */
  username: string;
  password: string;
  subscriptions: readonly string[];
  /** Published by the broker, retained, when the connection breaks. */
  will: { topic: string; payload: string };
  clock: Clock;
  onConnected: () => void;
  /** The connection ended, or an attempt failed. `refused`: the login itself was turned down. */
  onDisconnected: (reason: string, refused: boolean) => void;
  onMessage: (topic: string, payload: Buffer) => void;
  /** PUBACK for a packet id given to `send`. */
  onAcknowledged: (packetId: number) => void;
  random?: () => number;
  connect?: (broker: { host: string; port: number }) => Socket;
}

export class MqttSession {
  readonly #options: MqttSessionOptions;
  #connection: Connection | undefined;
  #cancelReconnect: (() => void) | undefined;
  #attempt = 0;
  #stopped = true;

  constructor(options: MqttSessionOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connection?.ready ?? false;
  }

  /** Begins to connect; never fails, but tries on until `stop`. */
  start(): void {
    this.#stopped = false;
    this.#connect();
  }

  /** Sends a message at QoS 1; its PUBACK comes as `onAcknowledged`. Nothing happens while not connected. */
  send(message: { packetId: number; topic: string; payload: string; dup: boolean }): void {
    if (this.connected) this.#connection?.send(message);
  }

  /** Sends a message at QoS 1. @returns whether the broker acknowledged it before the connection ended */
  publish(topic: string, payload: string, retain = false): Promise<boolean> {
    if (!this.connected) return Promise.resolve(false);
    return this.#connection?.publish(topic, payload, retain) ?? Promise.resolve(false);
  }

  /** Logs out, so that the will is not published, and does not come back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelReconnect?.();
    await this.#connection?.disconnect();
    this.#connection = undefined;
  }

  #connect(): void {
    const { clock, onDisconnected, random } = this.#options;
    const startedAt = clock.uptime();
    this.#connection = new Connection(this.#options, (reason, refused) => {
      this.#connection = undefined;
      if (clock.uptime() - startedAt >= STABLE_MS && !refused) this.#attempt = 0;
      onDisconnected(reason, refused);
      if (this.#stopped) return;
      const waitMs = backoffMs(this.#attempt, {
        minMs: RECONNECT_MIN_MS,
        maxMs: RECONNECT_MAX_MS,
        ...(random ? { random } : {}),
      });
      this.#attempt += 1;
      this.#cancelReconnect = clock.after(waitMs, () => this.#connect());
    });
  }
}

/** One TCP connection: from its SYN to its end, which `onEnd` hears exactly once. */
class Connection {
  readonly #options: MqttSessionOptions;
  readonly #onEnd: (reason: string, refused: boolean) => void;
  readonly #socket: Socket;
  readonly #batch: PacketBatch;
  readonly #unacknowledged = new Map<number, (acknowledged: boolean) => void>();
  #cancelTimer: () => void;
  #nextId = FIRST_CONTROL_ID;
  #ended = false;
  /** Half keep-alives in a row in which nothing came, though a PINGREQ was sent. */
  #silentHalves = 0;
  ready = false;

  constructor(options: MqttSessionOptions, onEnd: (reason: string, refused: boolean) => void) {
    this.#options = options;
    this.#onEnd = onEnd;
    const { broker, clock } = options;
    this.#socket = options.connect?.(broker) ?? connectTcp(broker);
    this.#batch = new PacketBatch((bytes) => {
      if (!this.#ended) this.#socket.write(bytes);
    });
    this.#cancelTimer = clock.after(CONNECT_DEADLINE_MS, () =>
      this.#end(`no answer within ${CONNECT_DEADLINE_MS / 1000} s`),
    );
    const parser = mqttParser({ protocolVersion: 4 });
    parser.on('packet', (packet) => this.#receive(packet));
    parser.on('error', () => this.#end('the broker sent something that is not MQTT'));
    this.#socket.setNoDelay(true);
    this.#socket.on('connect', () => this.#login());
    this.#socket.on('data', (bytes: Buffer) => {
      this.#silentHalves = 0;
      if (!this.#ended) parser.parse(bytes);
    });
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('the broker closed the connection'));
  }

  send({
    packetId,
    topic,
    payload,
    dup,
  }: {
    packetId: number;
    topic: string;
    payload: string;
    dup: boolean;
  }) {
    this.#batch.add({ cmd: 'publish', qos: 1, retain: false, dup, topic, payload, messageId: packetId });
  }

  publish(topic: string, payload: string, retain: boolean): Promise<boolean> {
    const messageId = this.#takeId();
    return new Promise((resolve) => {
      this.#unacknowledged.set(messageId, resolve);
      this.#batch.add({ cmd: 'publish', qos: 1, retain, dup: false, topic, payload, messageId });
    });
  }

  async disconnect(): Promise<void> {
    if (this.#ended) return;
    if (this.ready) this.#batch.add({ cmd: 'disconnect' });
    this.#batch.flush();
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(CLOSE_DEADLINE_MS, resolve);
      this.#socket.once('close', () => {
        cancel();
        resolve();
      });
      if (this.#socket.connecting) this.#socket.destroy();
      else this.#socket.end();
    });
    this.#end('logged out');
  }

  #login(): void {
    const { username, password, will } = this.#options;
    this.#batch.add({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: username,
      keepalive: KEEP_ALIVE_SECONDS,
      username,
      password: Buffer.from(password),
      will: { topic: will.topic, payload: will.payload, qos: 1, retain: true },
    });
  }

  #receive(packet: Packet): void {
    if (this.#ended) return;
    if (packet.cmd === 'connack') this.#loggedIn(packet.returnCode ?? 0);
    else if (packet.cmd === 'puback') this.#acknowledged(packet.messageId ?? 0);
    else if (packet.cmd === 'publish') this.#message(packet);
    else if (packet.cmd === 'suback' && (packet.granted as number[]).includes(SUBACK_FAILURE)) {
      this.#end('the broker refused the subscription');
    }
  }

  /** Clause 3.2.2.3: 4 and 5 turn down the login, 1 to 3 the connection. */
  #loggedIn(returnCode: number): void {
    if (returnCode !== 0) {
      const refused = returnCode === 4 || returnCode === 5;
      this.#end(refused ? 'the broker refused the login' : `the broker refused (${returnCode})`, refused);
      return;
    }
    this.ready = true;
    this.#cancelTimer();
    this.#keepAlive();
    this.#batch.add({
      cmd: 'subscribe',
      messageId: this.#takeId(),
      subscriptions: this.#options.subscriptions.map((topic) => ({ topic, qos: 1 })),
    });
    this.#options.onConnected();
  }

  #acknowledged(packetId: number): void {
    if (packetId <= READING_PACKET_IDS) {
      this.#options.onAcknowledged(packetId);
      return;
    }
    this.#unacknowledged.get(packetId)?.(true);
    this.#unacknowledged.delete(packetId);
  }

  #message({ topic, payload, qos, messageId }: IPublishPacket): void {
    if (qos === 1 && messageId !== undefined) this.#batch.add({ cmd: 'puback', messageId });
    this.#options.onMessage(topic, typeof payload === 'string' ? Buffer.from(payload) : payload);
  }

  /** Pings twice in each keep-alive, though other packets flow: a connection on which nothing comes back is dead. */
  #keepAlive(): void {
    this.#cancelTimer = this.#options.clock.after(KEEP_ALIVE_SECONDS * 500, () => {
      if (this.#silentHalves >= 2) {
        this.#end(`the broker was silent for ${KEEP_ALIVE_SECONDS} s`);
        return;
      }
      this.#silentHalves += 1;
      this.#batch.add({ cmd: 'pingreq' });
      this.#keepAlive();
    });
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === LAST_ID ? FIRST_CONTROL_ID : id + 1;
    return id;
  }

  #end(reason: string, refused = false): void {
    if (this.#ended) return;
    this.#ended = true;
    this.ready = false;
    this.#cancelTimer();
    this.#socket.destroy();
    for (const resolve of this.#unacknowledged.values()) resolve(false);
    this.#unacknowledged.clear();
    this.#onEnd(reason, refused);
  }
}
