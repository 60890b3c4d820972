/**
 * The KNX part of the demo, where knxd is on this machine: a bus on loopback with a light that tells its state and a room
 * whose temperature drifts. What they do they do through a tunnel of their own, as any device behind the server.
 */
import { systemClock } from '@gate/addon-sdk';
import { datapointType } from '../../addons/knx/src/dpt/datapoint-type.ts';
import { KNX_DEVICE_TYPE } from '../../addons/knx/src/knx-parameters.ts';
import { Bus } from '../../addons/knx/src/link/bus.ts';
import { TunnelConnector } from '../../addons/knx/src/link/tunnel-connector.ts';
import { openUdpChannel } from '../../addons/knx/src/link/udp-channel.ts';
import { parseGroupAddress } from '../../addons/knx/src/wire/address.ts';
import type { GroupService, GroupTelegram, RawValue } from '../../addons/knx/src/wire/cemi.ts';
import { Knxd } from '../../test/support/knxd.ts';
import type { LocalApi } from '../../test/support/local-api.ts';
import { until } from '../../test/support/until.ts';
import { missingPrograms } from '../peers/peers.ts';

interface DeviceView {
  id: string;
  name: string;
  status?: { eventType: string; reason?: { message: string } };
}
interface Health {
  parts: Record<string, { state: string; reason?: string }>;
}

/** The protocol keeps the port that it was installed with: the server is always at the same one. */
const SERVER_PORT = Number(process.env['SIMULATED_KNX_PORT'] ?? 36_710);
const TEMPERATURE_EVERY_MS = 10_000;
const [SWITCH, STATE, TEMPERATURE] = ['1/0/1', '1/1/1', '3/0/1'] as const;

const DEVICES = [
  {
    name: 'Demo KNX light',
    datapoints: [{ name: 'light', group_address: SWITCH, status_address: STATE, dpt: '1.001' }],
  },
  {
    name: 'Demo KNX room',
    datapoints: [
      { name: 'temperature', group_address: TEMPERATURE, dpt: '9.001', flags: ['read', 'listen'] },
    ],
  },
];

export class KnxHouse {
  readonly #knxd: Knxd;
  readonly #bus: Bus;
  #lightIsOn = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(knxd: Knxd) {
    this.#knxd = knxd;
    const server = { host: '127.0.0.1', port: knxd.port };
    this.#bus = new Bus({
      connector: new TunnelConnector({ open: openUdpChannel, server, routeBack: false, clock: systemClock }),
      clock: systemClock,
      random: Math.random,
      onTelegram: (telegram) => this.#receive(telegram),
      onUp: () => undefined,
      onDown: () => undefined,
    });
  }

  /** Undefined where there is none: then a line says why. */
  static async start(): Promise<KnxHouse | undefined> {
    if (missingPrograms('knxd').length > 0) {
      console.log('KNX is left out: knxd is not on this machine (Debian: apt-get install knxd knxd-tools)');
      return undefined;
    }
    try {
      const house = new KnxHouse(await Knxd.start({ port: SERVER_PORT, onLoopback: true }));
      house.#bus.start();
      house.#timer = setInterval(() => house.#say('write', TEMPERATURE), TEMPERATURE_EVERY_MS);
      return house;
    } catch (error) {
      console.log(
        `KNX is left out: ${(error as Error).message} (SIMULATED_KNX_PORT is its port, ${SERVER_PORT})`,
      );
      return undefined;
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#bus.stop();
    await this.#knxd.stop();
  }

  /** Installs the protocol, makes its devices and pairs those that are not paired. */
  async pair(api: LocalApi): Promise<void> {
    await api.call('POST', '/device/v1/protocols/knx/installation', {
      parameters: { ip_address: '127.0.0.1', port: SERVER_PORT },
    });
    await until(
      'the KNX add-on is connected to the bus',
      async () => (await api.get<Health>('/health/ready')).parts['addon:knx']?.state === 'running',
      60_000,
    );
    await api.send('POST', '/device/v1/protocols/knx/devices', {
      devices: DEVICES.map(({ name, datapoints }) => ({
        key: name,
        name,
        type: KNX_DEVICE_TYPE,
        parameters: { datapoints },
      })),
    });
    await until(
      'the KNX devices are paired',
      async () => {
        const all = await api.get<DeviceView[]>('/device/v1/devices');
        const own = all.filter(({ name }) => DEVICES.some((each) => each.name === name));
        const failed = own.find(({ status }) => status?.eventType === 'not_paired');
        if (failed) throw new Error(`${failed.name}: ${failed.status?.reason?.message}`);
        return own.every(({ status }) => status?.eventType === 'paired');
      },
      60_000,
    );
  }

  #receive({ service, destination, value }: GroupTelegram): void {
    if (service === 'write' && destination === parseGroupAddress(SWITCH)) {
      this.#lightIsOn = value.bytes[0] === 1;
      this.#say('write', STATE);
    }
    if (service !== 'read') return;
    for (const address of [STATE, TEMPERATURE] as const) {
      if (destination === parseGroupAddress(address)) this.#say('response', address);
    }
  }

  #say(service: GroupService, address: typeof STATE | typeof TEMPERATURE): void {
    const telegram = { service, destination: parseGroupAddress(address), value: this.#valueAt(address) };
    // one that is lost is told again by the next
    this.#bus.send(telegram, { signal: AbortSignal.timeout(TEMPERATURE_EVERY_MS) }).catch(() => undefined);
  }

  #valueAt(address: typeof STATE | typeof TEMPERATURE): RawValue {
    if (address === STATE) return datapointType('1.001').encode(this.#lightIsOn);
    // up and down by 2 K in half an hour
    const drift = 2 * Math.sin((Date.now() / 1_800_000) * 2 * Math.PI);
    return datapointType('9.001').encode(Math.round((21 + drift + Math.random() / 5) * 100) / 100);
  }
}
