/**
 * A KNX bus, whole: knxtool on one side, REST and socket.io on the other, the real daemon, add-on process and knxd
 * between.
 */
import { io } from 'socket.io-client';
import { KNX_DEVICE_TYPE } from '../../../../addons/knx/src/knx-parameters.ts';
import { Daemon } from '../../../support/daemon.ts';
import { type HeardTelegram, Knxd } from '../../../support/knxd.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { until } from '../../../support/until.ts';

export const KNX = '/device/v1/protocols/knx';

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
export interface Fetched {
  status?: string;
  response?: unknown;
  error?: { code: string; message: string };
}

export class KnxInstallation {
  readonly knxd: Knxd;
  readonly daemon: Daemon;
  readonly readings: Reading[] = [];
  heard: HeardTelegram[];
  readonly #folder: ReturnType<typeof tempFolder>;
  readonly #socket: ReturnType<typeof io>;

  private constructor(parts: {
    knxd: Knxd;
    daemon: Daemon;
    heard: HeardTelegram[];
    folder: ReturnType<typeof tempFolder>;
  }) {
    this.knxd = parts.knxd;
    this.daemon = parts.daemon;
    this.heard = parts.heard;
    this.#folder = parts.folder;
    this.#socket = io(parts.daemon.url);
    this.#socket.on('data', (reading: Reading) => this.readings.push(reading));
  }

  /** KNX is not installed yet. */
  static async start(): Promise<KnxInstallation> {
    const folder = tempFolder();
    const knxd = await Knxd.start();
    const heard = await knxd.listen();
    const daemon = await Daemon.start({
      dataFolder: folder.path,
      environment: { ON_PREMISE_ANONYMOUS: 'all' },
    });
    const installation = new KnxInstallation({ knxd, daemon, heard, folder });
    await until('the socket is connected', () => installation.#socket.connected);
    return installation;
  }

  async stop(): Promise<void> {
    this.#socket.disconnect();
    await this.daemon.stop();
    await this.knxd.stop();
    this.#folder.remove();
  }

  async install(): Promise<void> {
    await this.daemon.api.send('POST', `${KNX}/installation`, {
      parameters: { ip_address: '127.0.0.1', port: this.knxd.port },
    });
    await this.protocolIs('running');
  }

  /** @returns the reason */
  async protocolIs(state: string): Promise<string> {
    const { reason = '' } = await until(`KNX is ${state}`, async () => {
      const protocol = await this.daemon.api.get<{ state: string; reason?: string }>(KNX);
      return protocol.state === state && protocol;
    });
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
    return this.daemon.api.call<{ code: string }>('POST', `/device/v1/control/${id}/set`, body);
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
