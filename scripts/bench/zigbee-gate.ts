/** gate in the Zigbee benchmark: its network taken over from a database, its devices paired through the API. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ANY_DEVICE_TYPE } from '../../addons/zigbee/src/type-id.ts';
import type { Daemon } from '../../test/support/daemon.ts';
import { until } from '../../test/support/until.ts';
import { BareHttp } from './bare-http.ts';
import type { Bench } from './benchmark.ts';
import { monotonicMs } from './monotonic.ts';
import { addonsOf } from './process-figures.ts';
import type { Channel } from './scope.ts';
import { CHANNEL_OF_GATE, networkOfGate } from './zigbee-network.ts';
import type { RunningSide, Side } from './zigbee-side.ts';
import type { Placed } from './zigbee-stick.ts';

const SLUG = 'zigbee';
const POLL_MS = 5;
const START_MS = 60_000;
const PAIRING_MS = 300_000;
/** Pairings at a time. */
const PAIRING_AT_ONCE = 10;
/** Add-ons that a new gateway has, and that have no part in this. */
const OTHERS = ['http', 'virtual'];

export interface Prepared {
  stick: Channel;
  placed: Placed;
  port: number;
}

/** gate, which also tells whether its coordinator works. */
export interface RunningGate extends RunningSide {
  until: (state: 'running' | 'degraded') => Promise<void>;
}

interface DeviceView {
  id: string;
  status: { eventType: string; reason?: unknown };
}

export class GateSide implements Side {
  readonly name = 'gate';
  readonly #bench: Bench;
  readonly #folder: string;
  readonly #ieee = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  #daemon: Daemon | undefined;

  private constructor(bench: Bench) {
    this.#bench = bench;
    this.#folder = bench.scope.folder();
  }

  /** A gateway that has all devices of the stick, stopped again. */
  static async prepare(bench: Bench, { stick, placed, port }: Prepared): Promise<GateSide> {
    const side = new GateSide(bench);
    const folder = join(side.#folder, 'addons-data', SLUG);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'network.json'), JSON.stringify(networkOfGate()), { mode: 0o600 });
    await stick.ask({ order: 'database', file: join(folder, 'database.db'), meta: {} });
    await stick.ask({ order: 'awake', awake: true });
    const daemon = side.#spawn();
    await side.#until(
      'the daemon is up',
      async () => (await daemon.api.call('GET', '/health/live')).status === 200,
    );
    await daemon.api.send('POST', `/device/v1/protocols/${SLUG}/installation`, {
      parameters: { port: `tcp://127.0.0.1:${port}`, channel: CHANNEL_OF_GATE },
    });
    for (const slug of OTHERS) await daemon.api.send('DELETE', `/device/v1/protocols/${slug}/installation`);
    await side.#ready(daemon);
    const waiting = [...placed.devices];
    const pairing = Array.from({ length: PAIRING_AT_ONCE }, async () => {
      for (let ieee = waiting.shift(); ieee !== undefined; ieee = waiting.shift())
        await side.#pair(daemon, ieee);
    });
    await Promise.all(pairing);
    await daemon.stop();
    return side;
  }

  async start(): Promise<RunningGate> {
    const beganMs = monotonicMs();
    const daemon = this.#spawn();
    await this.#ready(daemon);
    const readyMs = monotonicMs() - beganMs;
    const pid = daemon.process.pid ?? 0;
    const addon = addonsOf(pid).get(SLUG);
    if (addon === undefined) throw new Error('the Zigbee add-on is not a child of the daemon');
    let http: BareHttp | undefined;
    return {
      readyMs,
      processes: new Map([
        ['daemon', pid],
        ['add-on zigbee', addon],
      ]),
      listener: ['gate', daemon.url],
      ieeeOf: (id) => this.#ieee.get(id) ?? '',
      command: async (ieee, state) => {
        http ??= await BareHttp.connect(daemon.url);
        return http.post(`/device/v1/control/${this.#ids.get(ieee)}/set`, { state });
      },
      until: (state) => this.#stands(daemon, state),
      stop: async () => {
        http?.close();
        await daemon.stop();
      },
    };
  }

  #spawn(): Daemon {
    this.#daemon = this.#bench.scope.spawnDaemon(this.#folder, { ON_PREMISE_ANONYMOUS: 'all' });
    return this.#daemon;
  }

  #ready(daemon: Daemon): Promise<void> {
    return this.#stands(daemon, 'running');
  }

  #stands(daemon: Daemon, state: string): Promise<void> {
    return this.#until(`the Zigbee add-on is ${state}`, async () => {
      const { body } = await daemon.api.call<{ parts: Record<string, { state: string }> }>(
        'GET',
        '/health/ready',
      );
      return body.parts[`addon:${SLUG}`]?.state === state;
    });
  }

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const endsMs = monotonicMs() + START_MS; monotonicMs() < endsMs; await pause(POLL_MS)) {
      if (await isSo().catch(() => false)) return;
      if (this.#daemon?.process.exitCode !== null) break;
    }
    const log = this.#daemon?.log.map(({ msg }) => msg).join('\n');
    throw new Error(`${what}: not so\n${log}\n${this.#daemon?.errors}`);
  }

  async #pair({ api }: Daemon, ieee: string): Promise<void> {
    const body = { name: ieee, type: ANY_DEVICE_TYPE, parameters: { ieeeAddress: ieee, touchlink: false } };
    const { id } = await api.send<DeviceView>('POST', '/device/v1/devices', body);
    await api.send('POST', `/device/v1/devices/${id}/pair`, {});
    const { status } = await until(
      `${ieee} is paired`,
      async () => {
        const view = await api.get<DeviceView>(`/device/v1/devices/${id}`);
        return view.status.eventType !== 'discovering' && view;
      },
      PAIRING_MS,
    );
    if (status.eventType !== 'paired') throw new Error(`${ieee} was not paired: ${JSON.stringify(status)}`);
    this.#ieee.set(id, ieee);
    this.#ids.set(ieee, id);
  }
}
