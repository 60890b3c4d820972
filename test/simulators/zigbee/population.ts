/**
 * Large networks without interviewing anybody: the devices are in the stick's tables already, and zigbee-herdsman's
 * `database.db` knows them as it would after their interviews. One line of JSON for each device.
 */
import { writeFileSync } from 'node:fs';
import type { SimulatedDevice } from './device.ts';
import { ColourBulb } from './devices/colour-bulb.ts';
import { ContactSensor } from './devices/contact-sensor.ts';
import { MeteringPlug } from './devices/metering-plug.ts';
import { TemperatureSensor } from './devices/temperature-sensor.ts';
import { seededRandom } from './random.ts';
import type { SimulatedStick } from './stick.ts';
import { BASIC } from './zcl/clusters/basic.ts';

export interface PopulationOptions {
  /** How many; the radio's `capacity` must be as large, and it needs `RadioOptions.network`. */
  count: number;
  seed?: number;
  /** Makes the device of a number; otherwise six sensors in ten, two bulbs, a plug and a contact. */
  make?: (index: number, ieee: string) => SimulatedDevice;
}

const MIXTURE = [
  TemperatureSensor,
  TemperatureSensor,
  ColourBulb,
  TemperatureSensor,
  ContactSensor,
  TemperatureSensor,
  ColourBulb,
  TemperatureSensor,
  MeteringPlug,
  TemperatureSensor,
] as const;

export function populate(radio: SimulatedStick, options: PopulationOptions): SimulatedDevice[] {
  const random = seededRandom(options.seed ?? 1);
  const make = options.make ?? mixed;
  return Array.from({ length: options.count }, (_, index) => {
    let address = 0;
    do address = 1 + Math.floor(random() * 0xfff0);
    while (radio.air.isTaken(address));
    const ieee = `0x00158d01${index.toString(16).padStart(8, '0')}`;
    return radio.addJoined(make(index, ieee), address);
  });
}

function mixed(index: number, ieee: string): SimulatedDevice {
  const Kind = MIXTURE[index % MIXTURE.length] ?? TemperatureSensor;
  return new Kind({ ieee });
}

export interface DatabaseOptions {
  /** `meta` of each device's entry. Hosts that configure devices once keep there that they have. */
  meta?: (device: SimulatedDevice) => Record<string, unknown>;
  /** Milliseconds since 1970 of the last sign of life. */
  lastSeenMs?: number;
}

/** Writes the database that belongs to the radio's network with those of its devices that are in it. */
export function writeDatabase(file: string, radio: SimulatedStick, options: DatabaseOptions = {}): void {
  const joined = [...radio.air.devices.values()].filter((node) => node.membership !== undefined);
  const lines = [
    coordinatorEntry(radio),
    ...joined.map((node, index) => entry(node as SimulatedDevice, index + 2, options)),
  ];
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
}

/** Endpoints are looked up again by the host when it registers them; an entry needs none. */
function coordinatorEntry(radio: SimulatedStick) {
  const endpoint = { profId: 260, epId: 1, devId: 5, inClusterList: [], outClusterList: [], clusters: {} };
  return {
    id: 1,
    type: 'Coordinator',
    ieeeAddr: radio.coordinator.ieee,
    nwkAddr: 0,
    manufId: 0,
    epList: [1],
    endpoints: { 1: { ...endpoint, binds: [], configuredReportings: [], meta: {} } },
    interviewCompleted: true,
    interviewState: 'SUCCESSFUL',
    meta: {},
  };
}

function entry(device: SimulatedDevice, id: number, options: DatabaseOptions) {
  const basic = device.endpoints[0]?.server(BASIC);
  const endpoints = Object.fromEntries(
    device.endpoints.map((endpoint) => [
      endpoint.id,
      {
        profId: endpoint.profileId,
        epId: endpoint.id,
        devId: endpoint.deviceId,
        inClusterList: [...endpoint.servers.keys()],
        outClusterList: endpoint.clientIds,
        clusters: {},
        binds: [],
        configuredReportings: [],
        meta: {},
      },
    ]),
  );
  return {
    id,
    type: device.kind.router ? 'Router' : 'EndDevice',
    ieeeAddr: device.ieee,
    nwkAddr: device.membership?.address,
    manufId: device.kind.manufacturerCode,
    manufName: basic?.get(0x0004),
    powerSource: device.kind.mains ? 'Mains (single phase)' : 'Battery',
    modelId: basic?.get(0x0005),
    epList: device.endpoints.map((endpoint) => endpoint.id),
    endpoints,
    appVersion: 1,
    stackVersion: 2,
    hwVersion: 1,
    dateCode: basic?.get(0x0006),
    swBuildId: basic?.get(0x4000),
    zclVersion: 3,
    interviewCompleted: true,
    interviewState: 'SUCCESSFUL',
    meta: options.meta?.(device) ?? {},
    lastSeen: options.lastSeenMs ?? Date.now(),
  };
}
