/** A simulated stick, the real daemon and the real add-on on it: what the Zigbee tests share. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { BRIDGE_TYPE, typeIdOf } from '../../../addons/zigbee/src/type-id.ts';
import { type RadioOptions, SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import type { SimulatedStick } from '../../simulators/zigbee/stick.ts';
import { Daemon } from '../../support/daemon.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

export interface Reason {
  code: string;
  message: string;
  hint?: string;
}
export interface DeviceView {
  id: string;
  status: { eventType: string; reason?: Reason };
  availability?: { online: boolean; reason?: string };
  address?: Record<string, string>;
}
export interface Part {
  state: string;
  reason?: string;
  restarts?: number;
}
type Payload = Record<string, unknown>;

/** Types of the simulated devices, as the catalogue has them. */
export const TYPES = {
  thermometer: typeIdOf('SONOFF', 'SNZB-02'),
  bulb: typeIdOf('Innr', 'RB 285 C'),
  plug: typeIdOf('Innr', 'SP 120'),
  contact: typeIdOf('SONOFF', 'SNZB-04'),
  thermostat: typeIdOf('eCozy', '1TST-EU'),
  button: typeIdOf('Aqara', 'WXKG11LM'),
  shutter: typeIdOf('ADEO', 'WSD005'),
  air: typeIdOf('IKEA', 'E2112'),
  /** The network itself. */
  bridge: BRIDGE_TYPE,
};

export interface HouseOptions {
  parameters?: object;
  /** Installs the protocol at once; otherwise `install` does. */
  installed?: boolean;
  /** Of the daemon, beyond what it has here. */
  environment?: Record<string, string>;
}

export class ZigbeeHouse<Stick extends SimulatedStick = SimulatedRadio> {
  readonly folder: ReturnType<typeof tempFolder>;
  radio: Stick;
  daemon: Daemon;
  /** Events of socket.io, as they came. */
  readonly heard: { event: string; fact: Payload }[] = [];
  #socket: Socket | undefined;

  private constructor(radio: Stick, daemon: Daemon, folder: ReturnType<typeof tempFolder>) {
    this.radio = radio;
    this.daemon = daemon;
    this.folder = folder;
  }

  static async open({
    radio,
    ...options
  }: HouseOptions & { radio?: RadioOptions } = {}): Promise<ZigbeeHouse> {
    return ZigbeeHouse.openOn(await SimulatedRadio.start(radio), options);
  }

  /** With this stick in place of a Z-Stack one. */
  static async openOn<Stick extends SimulatedStick>(
    stick: Stick,
    options: HouseOptions = {},
  ): Promise<ZigbeeHouse<Stick>> {
    const { parameters = {}, installed = true, environment = {} } = options;
    const folder = tempFolder();
    const daemon = await start(folder.path, environment).catch(async (error: unknown) => {
      await stick.stop();
      folder.remove();
      throw error;
    });
    const house = new ZigbeeHouse(stick, daemon, folder);
    house.#listen();
    try {
      if (installed) {
        await house.install(parameters);
        await house.until('running');
      }
      return house;
    } catch (error) {
      const log = house.log();
      await house.close();
      throw new Error(`the Zigbee house does not open:\n${log}`, { cause: error });
    }
  }

  /** What the add-on has logged. */
  log(): string {
    return this.daemon.log
      .filter(({ addon }) => addon === 'zigbee')
      .map(({ msg }) => msg)
      .join('\n');
  }

  /** The add-on's own folder. */
  get dataFolder(): string {
    const path = join(this.folder.path, 'addons-data', 'zigbee');
    mkdirSync(path, { recursive: true });
    return path;
  }

  get api() {
    return this.daemon.api;
  }

  async close(): Promise<void> {
    this.#socket?.disconnect();
    await this.daemon.stop();
    await this.radio.stop();
    this.folder.remove();
  }

  async install(parameters: object = {}): Promise<void> {
    await this.api.send('POST', '/device/v1/protocols/zigbee/installation', {
      parameters: {
        port: this.radio.url,
        ...(this.radio.adapter === 'zstack' ? {} : { adapter: this.radio.adapter }),
        ...parameters,
      },
    });
  }

  /** `within`: as `Daemon` has it. */
  async restart(how: 'stop' | 'kill' = 'stop', within: readonly string[] = []): Promise<void> {
    this.#socket?.disconnect();
    await this.daemon[how]();
    this.daemon = await start(this.folder.path, {}, within);
    this.#listen();
  }

  #listen(): void {
    this.#socket = io(this.daemon.url);
    this.#socket.onAny((event: string, fact: Payload) => this.heard.push({ event, fact }));
  }

  async part(): Promise<Part | undefined> {
    const { parts } = await this.api.get<{ parts: Record<string, Part> }>('/health/ready');
    return parts['addon:zigbee'];
  }

  /** Waits for a state of the add-on and, where it is given, for a reason that begins so. */
  until(state: string, reason?: string, deadlineMs = 20_000): Promise<Part> {
    return until(
      `the add-on is ${state} ${reason ?? ''}`,
      async () => {
        const part = await this.part();
        return part?.state === state && (reason === undefined || part.reason?.startsWith(reason)) && part;
      },
      deadlineMs,
    );
  }

  async create(type: string, parameters: object = {}, name = 'device'): Promise<string> {
    const { id } = await this.api.send<DeviceView>('POST', '/device/v1/devices', { name, type, parameters });
    return id;
  }

  startPairing(deviceId: string, body: object = {}): Promise<unknown> {
    return this.api.send('POST', `/device/v1/devices/${deviceId}/pair`, body);
  }

  device(deviceId: string): Promise<DeviceView> {
    return this.api.get<DeviceView>(`/device/v1/devices/${deviceId}`);
  }

  pairingEnd(deviceId: string, deadlineMs = 60_000): Promise<DeviceView> {
    return until(
      'the pairing ends',
      async () => {
        const view = await this.device(deviceId);
        return view.status.eventType !== 'discovering' && view;
      },
      deadlineMs,
    );
  }

  /** Creates a device, lets `joining` join once the network is open, and waits for the end. */
  async pair(type: string, joining: { seek(): void }, parameters: object = {}): Promise<DeviceView> {
    const id = await this.create(type, parameters);
    await this.startPairing(id);
    joining.seek();
    return this.pairingEnd(id);
  }

  /** Runs an action of the protocol and waits for its result. */
  async action(name: string, params: object = {}): Promise<{ response?: Payload; error?: Reason }> {
    const answer = await this.api.call<Reason>('POST', `/device/v1/protocols/zigbee/actions/${name}`, params);
    if (answer.status !== 202) return { error: answer.body };
    return until(
      `the action ${name} ends`,
      async () => {
        const result = await this.api.call<{ response?: Payload; error?: Reason }>(
          'GET',
          String(answer.headers['location']),
        );
        return result.status === 200 && result.body;
      },
      120_000,
    );
  }

  /** Over the network, not the Unix socket: a device that does not answer takes longer than that one waits. */
  async set(deviceId: string, values: object, waitSeconds = 30): Promise<{ status: number; body: Reason }> {
    const answer = await fetch(`${this.daemon.url}/device/v1/control/${deviceId}/set`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: `wait=${waitSeconds}` },
      body: JSON.stringify(values),
    });
    return { status: answer.status, body: (await answer.json()) as Reason };
  }

  async get(
    deviceId: string,
    wanted: object = {},
    waitSeconds = 20,
  ): Promise<{ response?: Payload; error?: Reason }> {
    const { headers } = await fetch(`${this.daemon.url}/device/v1/control/${deviceId}/status`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: `wait=${waitSeconds}` },
      body: JSON.stringify(wanted),
    });
    return until('the status is there', async () => {
      const answer = await this.api.call<{ response?: Payload; error?: Reason }>(
        'GET',
        headers.get('location') ?? '',
      );
      return answer.status === 200 && answer.body;
    });
  }

  async readings(deviceId: string): Promise<Payload[]> {
    const { data } = await this.api.get<{ data: { data: Payload }[] }>(
      `/device/v1/devices/${deviceId}/data?sort=-ts&perPage=100`,
    );
    return data.map((reading) => reading.data);
  }

  /** Waits for a reading that has all these values. */
  reading(deviceId: string, values: Payload): Promise<Payload> {
    return until(`a reading with ${JSON.stringify(values)}`, async () =>
      (await this.readings(deviceId)).find((reading) =>
        Object.entries(values).every(
          ([key, value]) => JSON.stringify(reading[key]) === JSON.stringify(value),
        ),
      ),
    );
  }
}

function start(
  dataFolder: string,
  environment: Record<string, string> = {},
  within: readonly string[] = [],
): Promise<Daemon> {
  return Daemon.start({
    dataFolder,
    within,
    environment: { ON_PREMISE_ANONYMOUS: 'all', RATE_LIMIT_ANONYMOUS: '0', ...environment },
  });
}
