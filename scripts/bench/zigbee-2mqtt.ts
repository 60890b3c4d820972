/** zigbee2mqtt from npm in the Zigbee benchmark, with mosquitto, on a database of the same devices. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { NPM_PEERS, npmPeerFolder } from '../peers/npm-peers.ts';
import type { Bench } from './benchmark.ts';
import { monotonicMs } from './monotonic.ts';
import { type Mosquitto, startMosquitto } from './mosquitto.ts';
import { type Channel, ended } from './scope.ts';
import { networkOfZigbee2mqtt } from './zigbee-network.ts';
import type { RunningSide, Side } from './zigbee-side.ts';

const START_MS = 60_000;
const STATE_TOPIC = 'zigbee2mqtt/bridge/state';

export class Zigbee2mqttSide implements Side {
  readonly name = `zigbee2mqtt ${NPM_PEERS.zigbee2mqtt}`;
  readonly #bench: Bench;
  readonly #folder: string;
  readonly #mosquitto: Mosquitto;

  private constructor(bench: Bench, folder: string, mosquitto: Mosquitto) {
    this.#bench = bench;
    this.#folder = folder;
    this.#mosquitto = mosquitto;
  }

  static async prepare(bench: Bench, stick: Channel, port: number): Promise<Zigbee2mqttSide> {
    const mosquitto = await startMosquitto(bench.scope);
    const folder = join(bench.scope.folder(), 'data');
    mkdirSync(folder);
    const configuration = {
      version: 5,
      mqtt: { base_topic: 'zigbee2mqtt', server: mosquitto.url },
      serial: { port: `tcp://127.0.0.1:${port}`, adapter: 'zstack' },
      // no line for each message, and none into a file
      advanced: { ...networkOfZigbee2mqtt(), log_level: 'warning', log_output: ['console'] },
    };
    // JSON is YAML too
    writeFileSync(join(folder, 'configuration.yaml'), JSON.stringify(configuration));
    // devices that it takes for configured are not configured again at its start
    await stick.ask({ order: 'database', file: join(folder, 'database.db'), meta: { configured: '0.0.0' } });
    return new Zigbee2mqttSide(bench, folder, mosquitto);
  }

  async start(): Promise<RunningSide> {
    const client = await connectAsync(this.#mosquitto.url);
    // what is retained of the run before must not count
    await client.publishAsync(STATE_TOPIC, '', { retain: true, qos: 1 });
    await client.subscribeAsync(STATE_TOPIC);
    const online = isOnline(client);
    const beganMs = monotonicMs();
    const process = this.#bench.scope.spawn(['index.js'], {
      cwd: npmPeerFolder('zigbee2mqtt'),
      env: { ...globalThis.process.env, ZIGBEE2MQTT_DATA: this.#folder, Z2M_ONBOARD_NO_SERVER: '1' },
    });
    const readyMs = (await online) - beganMs;
    return {
      readyMs,
      processes: new Map([
        ['zigbee2mqtt', process.pid ?? 0],
        ['mosquitto', this.#mosquitto.pid],
      ]),
      listener: ['zigbee2mqtt', this.#mosquitto.url],
      ieeeOf: (name) => name,
      command: async (ieee, state) => {
        const topic = `zigbee2mqtt/${ieee}/set`;
        const payload = JSON.stringify({ state });
        const bytes = generate({ cmd: 'publish', qos: 0, retain: false, dup: false, topic, payload });
        const sentMs = monotonicMs();
        client.stream.write(bytes);
        return sentMs;
      },
      stop: async () => {
        await ended(process);
        await client.endAsync();
      },
    };
  }
}

/** The moment at which it says that it is ready. */
function isOnline(client: MqttClient): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`zigbee2mqtt is not up within ${START_MS} ms`)),
      START_MS,
    );
    client.on('message', (topic, payload) => {
      if (topic !== STATE_TOPIC || !payload.toString().includes('online')) return;
      clearTimeout(timer);
      resolve(monotonicMs());
    });
  });
}
