/** An add-on that others start, over mqtt.js: a test says what its device has measured, and when. */
import { randomUUID } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import type { Daemon } from '../../support/daemon.ts';

const SLUG = 'meter';
const TYPE = `type-${SLUG}`;
const manifest = {
  id: SLUG,
  slug: SLUG,
  name: SLUG,
  contract: 1,
  version: '1.0.0',
  types: [{ id: TYPE, manufacturer: 'Test', model: 'M-1', description: 'a meter', type: 'sensor' }],
  runtime: { external: {} },
};

interface Login {
  brokerUrl: string;
  token: string;
}

export class Meter {
  readonly #now: () => number;
  #client: MqttClient | undefined;
  #connectedTo: Daemon | undefined;
  deviceId = '';

  /** @param now the clock of the box that it runs on */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Once in the life of a gateway. */
  async install({ api }: Daemon): Promise<void> {
    await api.send('POST', '/device/v1/protocols', manifest);
    const device = { name: SLUG, type: TYPE };
    this.deviceId = (await api.send<{ id: string }>('POST', '/device/v1/devices', device)).id;
  }

  /** One reading after the other; resolves when all are acknowledged. */
  async measure(daemon: Daemon, ...values: readonly Record<string, number>[]): Promise<void> {
    const client = await this.#connection(daemon);
    const topic = `gate/addons/${SLUG}/devices/${this.deviceId}/data`;
    for (const data of values)
      await client.publishAsync(topic, JSON.stringify({ id: randomUUID(), ts: this.#now(), data }), {
        qos: 1,
      });
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#client = undefined;
    this.#connectedTo = undefined;
  }

  async #connection(daemon: Daemon): Promise<MqttClient> {
    if (this.#client && this.#connectedTo === daemon) return this.#client;
    await this.close();
    const { brokerUrl, token } = await daemon.api.send<Login>(
      'POST',
      `/device/v1/protocols/${SLUG}/token`,
      {},
    );
    this.#client = await mqtt.connectAsync(brokerUrl, {
      clientId: SLUG,
      username: SLUG,
      password: token,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    this.#client.on('error', () => undefined);
    this.#connectedTo = daemon;
    return this.#client;
  }
}
