/**
 * The running daemon with what the documents' examples need: the simulated plug behind the HTTP add-on, a virtual
 * device, and the devices of `documented-devices.ts`. Without a token it reads, as it does where nothing is set.
 */

import { ShellyPlugS } from '../../../simulators/shelly-plug-s.ts';
import { Daemon } from '../../../support/daemon.ts';
import { addForeignAddon } from '../../../support/foreign-addon.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { until } from '../../../support/until.ts';
import { type CurlAnswer, curl } from './curl.ts';

export const HTTP_DEVICE_TYPE = 'f3cf0bb5-e059-469c-b100-4f1e8b2575b1';

export interface Shown {
  id: string;
  isGateway: boolean;
  status: { eventType: string };
}

export class House {
  readonly plug: ShellyPlugS;
  readonly plugPort: number;
  daemon: Daemon;
  readonly #folder: ReturnType<typeof tempFolder>;
  readonly #documentedType: string;
  token = '';
  clientId = '';
  clientSecret = '';

  private constructor(parts: {
    plug: ShellyPlugS;
    plugPort: number;
    daemon: Daemon;
    folder: ReturnType<typeof tempFolder>;
    documentedType: string;
  }) {
    this.plug = parts.plug;
    this.plugPort = parts.plugPort;
    this.daemon = parts.daemon;
    this.#folder = parts.folder;
    this.#documentedType = parts.documentedType;
  }

  static async open(environment: Record<string, string> = {}): Promise<House> {
    const folder = tempFolder();
    const documentedType = addForeignAddon(folder.path, {
      slug: 'documented',
      source: 'documented-devices.ts',
    });
    const plug = new ShellyPlugS();
    const plugPort = await plug.start();
    const daemon = await Daemon.start({ dataFolder: folder.path, environment });
    const house = new House({ plug, plugPort, daemon, folder, documentedType });
    const client = { name: 'a client of the documents', scopes: ['admin'] };
    const { clientId, clientSecret } = await daemon.api.send<{ clientId: string; clientSecret: string }>(
      'POST',
      '/authentication/v1/clients',
      client,
    );
    house.clientId = clientId;
    house.clientSecret = clientSecret;
    const { access_token } = await daemon.api.send<{ access_token: string }>(
      'POST',
      '/authentication/v1/oauth/token',
      { clientId, clientSecret },
    );
    house.token = access_token;
    await house.#running('http');
    await house.#running('virtual');
    return house;
  }

  /** Ends the daemon as a power cut would, and starts it again. */
  async killAndRestart(): Promise<void> {
    await this.daemon.kill();
    this.daemon = await Daemon.start({ dataFolder: this.#folder.path });
    await this.#running('http');
  }

  async close(): Promise<void> {
    await this.daemon.stop();
    await this.plug.stop();
    this.#folder.remove();
  }

  /** A command as it is printed, with this house's address and token, and these ids. */
  curl(printed: string, ids: Record<string, string> = {}): Promise<CurlAnswer> {
    return curl(printed, { url: this.daemon.url, token: this.token, ids });
  }

  async gatewayId(): Promise<string> {
    const devices = await this.daemon.api.get<Shown[]>('/device/v1/devices');
    return devices.find(({ isGateway }) => isGateway)?.id ?? '';
  }

  async addVirtual(name = 'doc'): Promise<string> {
    const { id } = await this.#create({ name, isVirtual: true });
    return id;
  }

  /** The plug behind the HTTP add-on, paired. `interval`: seconds between two polls. */
  async addPlug(interval = 1): Promise<string> {
    const parameters = { hostname: '127.0.0.1', port: this.plugPort, interval };
    return this.#paired({ name: 'plug', type: HTTP_DEVICE_TYPE, parameters });
  }

  /** A device that nobody answers for: its pairing begins. @returns its id */
  async addDeviceThatIsAway(): Promise<string> {
    const parameters = { hostname: '127.0.0.1', port: 1 };
    const { id } = await this.#create({ name: 'sensor', type: HTTP_DEVICE_TYPE, parameters });
    await this.daemon.api.send('POST', `/device/v1/devices/${id}/pair`);
    return id;
  }

  /** A lamp and sensor that does what the documents print, paired. */
  async addDocumented(): Promise<string> {
    const { status } = await this.daemon.api.get<{ status: string }>('/device/v1/protocols/documented');
    if (status !== 'installed') {
      await this.daemon.api.send('POST', '/device/v1/protocols/documented/installation');
    }
    await this.#running('documented');
    return this.#paired({ name: 'sensor', type: this.#documentedType });
  }

  #create(device: object): Promise<Shown> {
    return this.daemon.api.send<Shown>('POST', '/device/v1/devices', device);
  }

  async #paired(device: object): Promise<string> {
    const { id } = await this.#create(device);
    await this.daemon.api.send('POST', `/device/v1/devices/${id}/pair`);
    await until('it is paired', async () => {
      const { status } = await this.daemon.api.get<Shown>(`/device/v1/devices/${id}`);
      return status.eventType === 'paired';
    });
    return id;
  }

  async #running(slug: string): Promise<void> {
    await until(`the add-on ${slug} runs`, async () => {
      const { parts } = await this.daemon.api.get<{ parts: Record<string, { state: string }> }>(
        '/health/ready',
      );
      return parts[`addon:${slug}`]?.state === 'running';
    });
  }
}
