/**
 * A KNX bus, whole: knxtool on one side, REST and socket.io on the other, the real daemon, add-on process and knxd
 * between.
 */
import { readFileSync } from 'node:fs';
import { io } from 'socket.io-client';
import { KNX_DEVICE_TYPE } from '../../../../addons/knx/src/knx-parameters.ts';
import { reasonToSkip } from '../../../../scripts/peers/peers.ts';
import { Daemon } from '../../../support/daemon.ts';
import { type HeardTelegram, Knxd, type KnxdOptions } from '../../../support/knxd.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { UdpRelay } from '../../../support/udp-relay.ts';
import { until } from '../../../support/until.ts';

export const KNX = '/device/v1/protocols/knx';
/** The add-on looks for its server every 20 s at last. */
const PATIENCE_MS = 60_000;

export interface DeviceView {
  id: string;
  status: { eventType: string; reason?: { code: string; message: string; hint?: string } };
  availability?: { online: boolean; reason?: string };
  address?: { answered: string[]; unanswered: string[] };
}
export interface Reading {
  deviceId: string;
  payload: Record<string, unknown>;
}
export interface SetAnswer {
  code: string;
  message?: string;
  hint?: string;
}
export interface Fetched {
  status?: string;
  response?: unknown;
  error?: { code: string; message: string };
}

export interface KnxInstallationOptions {
  knxd?: KnxdOptions;
  /** With a piece of network between add-on and knxd that can lose what goes through it: `relay`. */
  relayed?: boolean;
}

interface Parts {
  knxd: Knxd;
  relay: UdpRelay | undefined;
  port: number;
  daemon: Daemon;
  heard: HeardTelegram[];
  folder: ReturnType<typeof tempFolder>;
}

export class KnxInstallation {
  readonly knxd: Knxd;
  readonly daemon: Daemon;
  readonly readings: Reading[] = [];
  heard: HeardTelegram[];
  readonly #parts: Parts;
  readonly #socket: ReturnType<typeof io>;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.knxd = parts.knxd;
    this.daemon = parts.daemon;
    this.heard = parts.heard;
    this.#socket = io(parts.daemon.url);
    this.#socket.on('data', (reading: Reading) => this.readings.push(reading));
  }

  /**
   * For `before`, with its Mocha context: KNX is installed, and reaches its bus. Where there is no knxd the suite is
   * skipped.
   */
  static async reached(suite: Mocha.Context, options?: KnxInstallationOptions): Promise<KnxInstallation> {
    if (reasonToSkip('knxd')) suite.skip();
    const installation = await KnxInstallation.start(options);
    try {
      await installation.install();
      await installation.protocolIs('running');
      return installation;
    } catch (error) {
      await installation.stop();
      throw error;
    }
  }

  /** KNX is not installed yet. */
  static async start({
    knxd: options,
    relayed = false,
  }: KnxInstallationOptions = {}): Promise<KnxInstallation> {
    const folder = tempFolder();
    const knxd = await Knxd.start(options);
    const relay = relayed ? new UdpRelay(knxd.port) : undefined;
    const port = (await relay?.start()) ?? knxd.port;
    const heard = await knxd.listen();
    const daemon = await Daemon.start({
      dataFolder: folder.path,
      environment: { ON_PREMISE_ANONYMOUS: 'all' },
    });
    const installation = new KnxInstallation({ knxd, relay, port, daemon, heard, folder });
    await until('the socket is connected', () => installation.#socket.connected);
    return installation;
  }

  async stop(): Promise<void> {
    this.#socket.disconnect();
    await this.daemon.stop();
    this.#parts.relay?.stop();
    await this.knxd.stop();
    this.#parts.folder.remove();
  }

  get relay(): UdpRelay {
    if (this.#parts.relay) return this.#parts.relay;
    throw new Error('this installation has no relay');
  }

  /** Where the add-on shall look for the server. */
  get server(): object {
    const { relay, port } = this.#parts;
    return { ip_address: '127.0.0.1', port, ...(relay ? { route_back: true } : {}) };
  }

  async install(parameters: object = this.server): Promise<void> {
    await this.daemon.api.send('POST', `${KNX}/installation`, { parameters });
  }

  /** Devices stay, without an add-on. */
  async uninstall(): Promise<void> {
    await until('the installation is over', async () => (await this.#protocol()).status === 'installed');
    await this.daemon.api.send('DELETE', `${KNX}/installation?force=true`);
    await until('it is removed', async () => (await this.#protocol()).status === 'notInstalled');
  }

  /** Ends the add-on as a crash would. */
  killAddon(): void {
    const children = readFileSync(
      `/proc/${this.daemon.process.pid}/task/${this.daemon.process.pid}/children`,
      'utf8',
    );
    const pids = children.trim().split(' ').map(Number);
    const pid = pids.find((each) => readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('/knx/'));
    if (pid === undefined) throw new Error('there is no add-on to be killed');
    process.kill(pid, 'SIGKILL');
  }

  #protocol(): Promise<{ status: string; state?: string; reason?: string }> {
    return this.daemon.api.get(KNX);
  }

  /** @returns the reason */
  async protocolIs(state: string): Promise<string> {
    const isSo = async () => {
      const protocol = await this.#protocol();
      return protocol.state === state && protocol;
    };
    const { reason = '' } = await until(`KNX is ${state}`, isSo, PATIENCE_MS);
    return reason;
  }

  device(id: string): Promise<DeviceView> {
    return this.daemon.api.get<DeviceView>(`/device/v1/devices/${id}`);
  }

  /** What was written to an address, in hexadecimal. */
  writesTo(destination: string): string[] {
    const writes = this.heard.filter((each) => each.service === 'Write' && each.destination === destination);
    return writes.map(({ value }) => value);
  }

  /** A new device whose pairing has ended, well or not. */
  async paired(parameters: object): Promise<DeviceView> {
    const { api } = this.daemon;
    const body = { name: 'knx', type: KNX_DEVICE_TYPE, parameters };
    const { id } = await api.send<DeviceView>('POST', '/device/v1/devices', body);
    await api.send('POST', `/device/v1/devices/${id}/pair`);
    return until('the pairing ends', async () => {
      const now = await this.device(id);
      return now.status.eventType !== 'discovering' && now.status.eventType !== 'created' && now;
    });
  }

  /** What is fetched from a `Location`, once it is there. */
  fetched(location: unknown): Promise<Fetched> {
    return until('the result is there', async () => {
      const answer = await this.daemon.api.get<Fetched>(String(location));
      return answer.status !== 'pending' && answer;
    });
  }

  /** What an action of the add-on comes to. */
  async action(name: string, parameters: object): Promise<Fetched> {
    const begun = await this.daemon.api.call('POST', `${KNX}/actions/${name}`, parameters);
    return this.fetched(begun.headers['location']);
  }

  set(id: string, body: object) {
    return this.daemon.api.call<SetAnswer>('POST', `/device/v1/control/${id}/set`, body);
  }

  /** A `set` that may take so long. */
  async setWithin(
    waitSeconds: number,
    id: string,
    body: object,
  ): Promise<{ status: number; body: SetAnswer }> {
    const answer = await fetch(`${this.daemon.url}/device/v1/control/${id}/set`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: `wait=${waitSeconds}` },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as SetAnswer };
  }

  /** Asks for values by `status`. */
  async get(id: string, ...datapoints: string[]): Promise<Fetched> {
    const path = `/device/v1/control/${id}/status`;
    const begun = await this.daemon.api.call('POST', path, datapoints.length === 0 ? {} : { datapoints });
    return this.fetched(begun.headers['location']);
  }

  /** Payloads of the readings of a device, as they were told. */
  readingsOf(id: string): Record<string, unknown>[] {
    return this.readings.filter(({ deviceId }) => deviceId === id).map(({ payload }) => payload);
  }

  /** What the add-on has written to its log. */
  async logged(): Promise<string[]> {
    const devices = await this.daemon.api.get<{ id: string; isGateway: boolean }[]>('/device/v1/devices');
    const gateway = devices.find(({ isGateway }) => isGateway)?.id;
    const lines = await this.daemon.api.get<{ message: string }[]>(`/device/v1/devices/${gateway}/knx/logs`);
    return lines.map(({ message }) => message);
  }

  /** @returns the name that an action takes */
  async sendFile(bytes: Buffer): Promise<string> {
    const answer = await fetch(`${this.daemon.url}${KNX}/files`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
    });
    if (answer.status !== 201) throw new Error(`a file was answered ${answer.status}`);
    return ((await answer.json()) as { file: string }).file;
  }
}
