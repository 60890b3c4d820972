/**
 * An add-on that others start, over mqtt.js, which does what a scenario tells it: what it sends, of which time, how it
 * answers. It resolves when the gateway has acknowledged.
 */
import mqtt, { type MqttClient } from 'mqtt';
import type { LocalApi } from '../../test/support/local-api.ts';
import { sendAtOnce } from './send-at-once.ts';

const ANSWERS_MS = 20_000;

interface Login {
  brokerUrl: string;
  addon: string;
  token: string;
}

export interface OutsideAddonParts {
  slug: string;
  devices: number;
  /** Of the box that it runs on. */
  now?: () => number;
}

interface Request {
  deadline: number;
}

export class OutsideAddon {
  readonly slug: string;
  readonly deviceIds: string[] = [];
  readonly #now: () => number;
  /** What it is asked is answered so much later. */
  answersAfterMs = 0;
  #login: Login | undefined;
  #client: MqttClient | undefined;

  private constructor({ slug, now = Date.now }: OutsideAddonParts) {
    this.slug = slug;
    this.#now = now;
  }

  /** Registers it and its devices; it is not yet connected. */
  static async move(api: LocalApi, parts: OutsideAddonParts): Promise<OutsideAddon> {
    const addon = new OutsideAddon(parts);
    const { slug, devices } = parts;
    const type = `type-${slug}`;
    addon.#login = await api.send<Login>('POST', '/device/v1/protocols', {
      id: slug,
      slug,
      name: slug,
      contract: 1,
      version: '1.0.0',
      types: [{ id: type, manufacturer: 'Faults', model: slug, description: 'an actor', type: 'sensor' }],
      runtime: { external: {} },
    });
    for (let n = 0; n < devices; n += 1) {
      const device = { name: `${slug} ${n}`.slice(0, 20), type };
      addon.deviceIds.push((await api.send<{ id: string }>('POST', '/device/v1/devices', device)).id);
    }
    return addon;
  }

  get base(): string {
    return `gate/addons/${this.slug}`;
  }

  get isConnected(): boolean {
    return this.#client?.connected === true;
  }

  /** Also again, where the connection was lost. @throws where it is not let in */
  async connect(): Promise<MqttClient> {
    if (!this.#login) throw new Error(`${this.slug} was not registered`);
    await this.#client?.endAsync(true);
    const { brokerUrl, addon, token } = this.#login;
    const client = await mqtt.connectAsync(brokerUrl, {
      clientId: addon,
      username: addon,
      password: token,
      protocolVersion: 4,
      keepalive: 30,
      connectTimeout: ANSWERS_MS,
      reconnectPeriod: 0,
    });
    sendAtOnce(client);
    client.on('error', () => undefined);
    // one for each reading that is under way
    client.setMaxListeners(0);
    client.on('message', (topic, payload) => this.#onMessage(client, topic, payload));
    this.#client = client;
    await client.subscribeAsync([`${this.base}/config`, `${this.base}/requests/+`], { qos: 1 });
    const state = JSON.stringify({ state: 'running', contract: 1, version: '1.0.0' });
    await client.publishAsync(`${this.base}/state`, state, { qos: 1, retain: true });
    return client;
  }

  /** A reading of its nth device. @throws where it is not acknowledged */
  async measure(device: number, reading: { id: string; ts?: number; data: object }): Promise<void> {
    const client = this.#client?.connected ? this.#client : await this.connect();
    const topic = `${this.base}/devices/${this.deviceIds[device % this.deviceIds.length]}/data`;
    await publish(client, topic, JSON.stringify({ ts: this.#now(), ...reading }));
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true).catch(() => undefined);
  }

  #onMessage(client: MqttClient, topic: string, payload: Buffer): void {
    const requestId = topic.split('/requests/')[1];
    if (requestId === undefined) return;
    const { deadline } = JSON.parse(payload.toString()) as Request;
    // by its clock on arrival, and from then on by time that nobody sets, as the SDK does it
    const isLate = this.#now() > deadline;
    setTimeout(() => {
      const result = isLate
        ? { ok: false, error: { code: 'deviceTimeout', message: 'its deadline was over when it came' } }
        : { ok: true, value: {} };
      client.publish(`${this.base}/results/${requestId}`, JSON.stringify(result), { qos: 1 });
    }, this.answersAfterMs);
  }
}

/** mqtt.js never says of a lost connection that what was under way will not be acknowledged. */
function publish(client: MqttClient, topic: string, payload: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the connection was lost'));
    client.once('close', lost);
    client.publish(topic, payload, { qos: 1 }, (error) => {
      client.off('close', lost);
      if (error) reject(error);
      else resolve();
    });
  });
}
