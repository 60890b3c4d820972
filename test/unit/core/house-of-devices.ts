/** The core's classes around ports that live in memory, with a clock that the test sets. */
import { Commands } from '../../../src/core/commands.ts';
import { Devices } from '../../../src/core/devices/devices.ts';
import { Pairing } from '../../../src/core/devices/pairing.ts';
import { TypeCatalogue } from '../../../src/core/devices/type-catalogue.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Health } from '../../../src/core/health.ts';
import { IdempotentCalls } from '../../../src/core/idempotent-calls.ts';
import { type AddonPackage, Protocols } from '../../../src/core/protocols/protocols.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import type { DeviceType } from '../../../src/model/device-type.ts';
import {
  MemoryAddonLink,
  MemoryAvailability,
  MemoryRegistry,
  MemoryRepeats,
} from '../../support/memory-ports.ts';

export const LAMP_TYPE: DeviceType = {
  id: 'lamp-type',
  description: 'a lamp',
  manufacturer: 'Test',
  model: 'LAMP',
  pairingMethods: [],
  physicalParameter: [],
  protocols: [],
  rooms: [],
  space: [],
  type: 'sensor',
  parameters: {
    type: 'object',
    required: ['hostname'],
    additionalProperties: false,
    properties: { hostname: { type: 'string' }, port: { type: 'integer', minimum: 1, default: 80 } },
  },
};

export function addonPackage(slug: string, preinstalled = false): AddonPackage {
  const manifest = {
    id: `id-${slug}`,
    slug,
    name: slug,
    description: '',
    contract: 1,
    version: '1.0.0',
    preinstalled,
    parameters: { type: 'object' },
    types: [],
    runtime: { process: { entry: 'main.js', memoryMb: 64 } },
  };
  return { manifest, folder: `/addons/${slug}`, types: slug === 'lamps' ? [LAMP_TYPE] : [] };
}

export async function houseOfDevices(registry = new MemoryRegistry()) {
  const clock = { nowMs: 1_700_000_000_000 };
  const now = () => clock.nowMs;
  const told: { event: string; fact: unknown }[] = [];
  const events = new EventBus<GatewayEvents>((_event, error) => {
    throw error;
  });
  for (const event of [
    'deviceAdded',
    'deviceChanged',
    'deviceRemoved',
    'devicePairingChanged',
    'availabilityChanged',
  ] as const) {
    events.on(event, (fact) => told.push({ event, fact }));
  }
  const link = new MemoryAddonLink();
  const types = new TypeCatalogue();
  const health = new Health({ events, now, vital: ['store'] });
  let lastId = 0;
  const devices = new Devices({
    registry,
    availability: new MemoryAvailability(),
    types,
    events,
    gatewayId: 'gateway',
    projectId: 'project',
    now,
    newId: () => `device${++lastId}`,
  });
  await devices.start();
  const protocols = new Protocols({ registry, devices, types, link, health, events, now });
  await protocols.start([addonPackage('lamps', true), addonPackage('others')]);
  const pairing = new Pairing({ devices, link, events, now });
  const onTrouble = (error: unknown) => {
    throw error;
  };
  const repeatable = new IdempotentCalls({ store: new MemoryRepeats(), now, monotonicNow: now, onTrouble });
  const commands = new Commands({ devices, link, events, repeatable, now, monotonicNow: now });
  return { clock, told, events, link, types, health, devices, protocols, pairing, commands, registry };
}
export type HouseOfDevices = Awaited<ReturnType<typeof houseOfDevices>>;
