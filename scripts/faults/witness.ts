/**
 * An add-on that distrusts its gateway, one that others start: so it lives on when the daemon is killed. Over mqtt.js it
 * sends numbered readings, keeps outside of the gateway's disk which of them were acknowledged, and after each broken
 * connection sends once more all that may not have arrived, and some of what did.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import mqtt, { type MqttClient } from 'mqtt';
import type { LocalApi } from '../../test/support/local-api.ts';
import { until } from '../../test/support/until.ts';
import { sendAtOnce } from './send-at-once.ts';

const SLUG = 'witness';
const TYPE = `type-${SLUG}`;
/** Sent and not acknowledged, at the most. */
const IN_FLIGHT_MAX = 200;
/** Of what was acknowledged, sent again after a broken connection: none of them may be stored twice. */
const REPEATED = 20;
const PUMP_MS = 4;
const RECONNECT_MS = 15;
const DEVICES = 3;

interface Login {
  brokerUrl: string;
  addon: string;
  token: string;
}

export class Witness {
  /** Numbers whose reading was acknowledged. */
  readonly acked = new Set<number>();
  /** The number that the next new reading gets: all below it were sent. */
  next = 0;
  /** Readings that go out in each turn of the pump; about 250 turns a second. 0: it rests. */
  perTurn = 8;
  deviceIds: string[] = [];
  readonly #journal: number;
  #login: Login | undefined;
  #client: MqttClient | undefined;
  #pump: NodeJS.Timeout | undefined;
  #again: number[] = [];
  readonly #inFlight = new Set<number>();
  #unwritten: number[] = [];
  #closed = false;

  /** @param journal file, outside of what is broken */
  constructor(journal: string) {
    this.#journal = openSync(journal, 'a', 0o600);
  }

  /** Registers itself and its devices, and begins. */
  async move(api: LocalApi): Promise<void> {
    this.#login = await api.send<Login>('POST', '/device/v1/protocols', {
      id: SLUG,
      slug: SLUG,
      name: SLUG,
      contract: 1,
      version: '1.0.0',
      types: [{ id: TYPE, manufacturer: 'Faults', model: SLUG, description: 'a counter', type: 'sensor' }],
      runtime: { external: {} },
    });
    for (let n = 0; n < DEVICES; n += 1) {
      const device = { name: `counter ${n}`, type: TYPE };
      const { id } = await api.send<{ id: string }>('POST', '/device/v1/devices', device);
      this.deviceIds.push(id);
    }
    this.#connect();
  }

  /** Goes on at another address of the same gateway. */
  moved(brokerUrl: string): void {
    if (this.#login) this.#login = { ...this.#login, brokerUrl };
    this.#client?.end(true);
  }

  /** Waits until so many more were acknowledged. */
  async heard(more: number): Promise<void> {
    const before = this.acked.size;
    await until(`${more} readings are acknowledged`, () => this.acked.size >= before + more, 30_000);
  }

  /** Everything that was sent is acknowledged; nothing new goes out. */
  async settled(): Promise<void> {
    this.perTurn = 0;
    await until('all readings are acknowledged', () => this.acked.size === this.next, 60_000);
  }

  /** What was acknowledged so far is on this machine's own disk when it returns. */
  note(): void {
    if (this.#unwritten.length === 0) return;
    writeSync(this.#journal, this.#unwritten.map((n) => `${n}\n`).join(''));
    fsyncSync(this.#journal);
    this.#unwritten = [];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#pump);
    await this.#client?.endAsync(true).catch(() => undefined);
    this.note();
    closeSync(this.#journal);
  }

  #connect(): void {
    if (this.#closed || !this.#login) return;
    const { brokerUrl, addon, token } = this.#login;
    const base = `gate/addons/${addon}`;
    const client = mqtt.connect(brokerUrl, {
      clientId: addon,
      username: addon,
      password: token,
      protocolVersion: 4,
      keepalive: 5,
      connectTimeout: 5_000,
      reconnectPeriod: 0,
    });
    this.#client = client;
    sendAtOnce(client);
    client.on('error', () => undefined);
    client.once('close', () => {
      clearInterval(this.#pump);
      this.#inFlight.clear();
      setTimeout(() => this.#connect(), RECONNECT_MS);
    });
    client.once('connect', () => {
      const state = JSON.stringify({ state: 'running', contract: 1, version: '1.0.0' });
      client.publish(`${base}/state`, state, { qos: 1, retain: true });
      client.subscribe(`${base}/config`, { qos: 1 });
      client.once('message', () => this.#begin(client, base));
    });
  }

  #begin(client: MqttClient, base: string): void {
    const missing: number[] = [];
    for (let n = Math.max(0, this.next - 10 * IN_FLIGHT_MAX); n < this.next; n += 1)
      if (!this.acked.has(n)) missing.push(n);
    this.#again = [...missing, ...[...this.acked].slice(-REPEATED)];
    clearInterval(this.#pump);
    this.#pump = setInterval(() => {
      for (let turn = 0; turn < Math.max(this.perTurn, 8) && this.#inFlight.size < IN_FLIGHT_MAX; turn += 1) {
        const n = this.#again.shift() ?? (turn < this.perTurn ? this.next++ : undefined);
        if (n === undefined) break;
        this.#send(client, base, n);
      }
    }, PUMP_MS);
  }

  #send(client: MqttClient, base: string, n: number): void {
    this.#inFlight.add(n);
    const device = this.deviceIds[n % this.deviceIds.length];
    const payload = JSON.stringify({ id: `w${n}`, ts: Date.now(), data: { n } });
    client.publish(`${base}/devices/${device}/data`, payload, { qos: 1 }, (error) => {
      this.#inFlight.delete(n);
      if (error || this.acked.has(n)) return;
      this.acked.add(n);
      this.#unwritten.push(n);
    });
  }
}
