/** The real zigbee-herdsman as the host of a simulated stick, in a folder of its own. One runs at a time. */
import { join } from 'node:path';
import { Controller, setLogger } from 'zigbee-herdsman';
import { findByDevice, setLogger as setConvertersLogger } from 'zigbee-herdsman-converters';
import type { NetworkIdentity } from '../../../simulators/zigbee/air/network-identity.ts';
import type { SimulatedDevice } from '../../../simulators/zigbee/device.ts';
import type { EmberNetwork } from '../../../simulators/zigbee/ember/ember-memory.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { until } from '../../../support/until.ts';

type HerdsmanDevice = NonNullable<ReturnType<Controller['getDeviceByIeeeAddr']>>;

/** A message of a device, as herdsman decoded it. */
export interface Heard {
  ieee: string;
  type: string;
  cluster: string | number;
  data: Record<string, unknown>;
}

/** Of herdsman's adapter for Z-Stack. */
interface WithDebouncers {
  deviceAnnounceRouteDiscoveryDebouncers?: Map<number, { clear(): void }>;
}

const quiet = { debug() {}, info() {}, warning() {}, error() {} };

export const NETWORK = {
  panId: 0x1a62,
  extendedPanId: [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88],
  channel: 15,
  networkKey: [7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
};

/** The same network as a stick has it that ran it before. */
export function storedNetwork(): NetworkIdentity {
  return {
    panId: NETWORK.panId,
    extendedPanId: Buffer.from(NETWORK.extendedPanId).reverse(),
    channel: NETWORK.channel,
    networkKey: Buffer.from(NETWORK.networkKey),
  };
}

/** As an EmberZNet stick has it. */
export function storedEmberNetwork(): EmberNetwork {
  const extendedPanId = Buffer.from(NETWORK.extendedPanId);
  return { ...storedNetwork(), extendedPanId, linkKey: Buffer.alloc(16, 3), frameCounter: 0 };
}

export class ZigbeeHost {
  readonly folder = tempFolder();
  readonly heard: Heard[] = [];
  readonly events: string[] = [];
  #controller: Controller | undefined;

  get controller(): Controller {
    if (!this.#controller) throw new Error('the host is not started');
    return this.#controller;
  }

  get databaseFile(): string {
    return join(this.folder.path, 'database.db');
  }

  get backupFile(): string {
    return join(this.folder.path, 'backup.json');
  }

  /** @returns `resumed`, `reset` or `restored`, as herdsman says */
  async start(
    path: string,
    network: Partial<typeof NETWORK> = {},
    adapter: 'zstack' | 'ember' = 'zstack',
  ): Promise<string> {
    setLogger(quiet);
    setConvertersLogger(quiet);
    const { panId, extendedPanId, channel, networkKey } = { ...NETWORK, ...network };
    const controller = new Controller({
      network: { panID: panId, extendedPanID: extendedPanId, channelList: [channel], networkKey },
      transport: { path, adapter },
      databasePath: this.databaseFile,
      databaseBackupPath: `${this.databaseFile}.backup`,
      backupPath: this.backupFile,
      adapter: { disableLED: false },
      acceptJoiningDeviceHandler: async () => true,
    });
    this.#controller = controller;
    this.#listen(controller);
    return await controller.start();
  }

  async stop(): Promise<void> {
    const controller = this.#controller;
    this.#controller = undefined;
    if (!controller) return;
    const { adapter } = controller as unknown as { adapter: WithDebouncers };
    try {
      await controller.stop();
    } finally {
      // each holds the process for a minute after an announcement
      for (const debouncer of adapter.deviceAnnounceRouteDiscoveryDebouncers?.values() ?? [])
        debouncer.clear();
    }
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => undefined);
    this.folder.remove();
  }

  device(device: SimulatedDevice): HerdsmanDevice {
    const found = this.controller.getDeviceByIeeeAddr(device.ieee);
    if (!found) throw new Error(`the host does not know ${device.ieee}`);
    return found;
  }

  endpoint(device: SimulatedDevice, id = 1) {
    const endpoint = this.device(device).getEndpoint(id);
    if (!endpoint) throw new Error(`the host knows no endpoint ${id} of ${device.ieee}`);
    return endpoint;
  }

  /** Permits joining, lets the device in and waits for its interview. */
  async pair(device: SimulatedDevice): Promise<HerdsmanDevice> {
    if (!this.controller.getPermitJoin()) await this.controller.permitJoin(254);
    device.seek(50);
    await this.event(`deviceInterview successful ${device.ieee}`);
    return this.device(device);
  }

  /** Configures a device as its definition says. @returns the definition's model */
  async configure(device: SimulatedDevice): Promise<string> {
    const known = this.device(device);
    const definition = await findByDevice(known);
    if (!definition) throw new Error(`no definition for ${known.modelID}`);
    const coordinator = this.controller.getDevicesByType('Coordinator')[0]?.getEndpoint(1);
    if (!coordinator) throw new Error('no coordinator');
    await definition.configure?.(known, coordinator, definition);
    return definition.model;
  }

  /** Waits for an event, as `deviceLeave 0x…`. */
  async event(wanted: string, deadlineMs = 15_000): Promise<void> {
    await until(wanted, () => this.events.includes(wanted), deadlineMs);
  }

  /** Waits for a message of a device that has this in its data. */
  async message(device: SimulatedDevice, part: Record<string, unknown>, deadlineMs = 10_000): Promise<Heard> {
    const fits = ({ ieee, data }: Heard) =>
      ieee === device.ieee && Object.entries(part).every(([key, value]) => data[key] === value);
    return await until(`a message with ${JSON.stringify(part)}`, () => this.heard.find(fits), deadlineMs);
  }

  forget(): void {
    this.heard.length = 0;
    this.events.length = 0;
  }

  #listen(controller: Controller): void {
    const note = (event: string, ...words: (string | undefined)[]) => {
      this.events.push([event, ...words].filter((word) => word !== undefined).join(' '));
    };
    controller.on('deviceJoined', ({ device }) => note('deviceJoined', device.ieeeAddr));
    controller.on('deviceInterview', ({ status, device }) =>
      note('deviceInterview', status, device.ieeeAddr),
    );
    controller.on('deviceAnnounce', ({ device }) => note('deviceAnnounce', device.ieeeAddr));
    controller.on('deviceLeave', ({ ieeeAddr }) => note('deviceLeave', ieeeAddr));
    controller.on('deviceNetworkAddressChanged', ({ device }) => note('addressChanged', device.ieeeAddr));
    controller.on('adapterDisconnected', () => note('adapterDisconnected'));
    controller.on('message', ({ device, type, cluster, data }) => {
      this.heard.push({ ieee: device.ieeeAddr, type, cluster, data: data as Record<string, unknown> });
    });
  }
}
