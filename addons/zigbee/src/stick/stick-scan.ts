/** Looks for coordinators: serial ports, and those that announce themselves in the network (DNS-SD). */
import { createRequire } from 'node:module';
import type { JsonObject } from '@gate/addon-sdk';
import { stableNames } from './stable-port.ts';

/** DNS-SD services of network coordinators, and what they say of themselves in their TXT records. */
const SERVICES = [
  'zigbee-coordinator',
  'slzb-06',
  'uzg-01',
  'xzg',
  'czc',
  'tube_zb_gw',
  'zigstar_gw',
  'tubeszb',
];
const LISTEN_MS = 2_500;

export interface StickCandidate extends JsonObject {
  label: string;
  parameters: JsonObject;
}

export interface SerialPortInfo {
  path: string;
  manufacturer?: string | undefined;
  vendorId?: string | undefined;
  productId?: string | undefined;
  pnpId?: string | undefined;
}

/** Never rejects: a way of looking that is closed here finds nothing. */
export async function scanForSticks(): Promise<StickCandidate[]> {
  const ways = await Promise.allSettled([serialSticks(), networkSticks()]);
  return ways.flatMap((way) => (way.status === 'fulfilled' ? way.value : []));
}

async function serialSticks(): Promise<StickCandidate[]> {
  const { SerialPort } = await import('serialport');
  const ports: SerialPortInfo[] = await SerialPort.list();
  const stable = stableNames();
  // what has no USB ids is the box's own: a console, a modem
  return ports
    .filter(({ vendorId }) => vendorId !== undefined)
    .map((port) => candidateOf(port, stable.get(port.path)));
}

export function candidateOf(port: SerialPortInfo, stable: string | undefined): StickCandidate {
  const path = stable ?? port.path;
  const adapter = likelyAdapter({ ...port, path });
  const maker = port.manufacturer ?? 'unknown maker';
  const speaks =
    adapter === undefined
      ? 'a serial port; its adapter cannot be told from outside'
      : `a coordinator, likely "${adapter}"`;
  return {
    label: `${maker}: ${path} (${speaks})`.slice(0, 200),
    parameters: { port: path, ...(adapter ? { adapter } : {}) },
  };
}

/** What the library knows of the makers' USB ids and names; undefined where it is none that this add-on works with. */
export function likelyAdapter(port: SerialPortInfo): 'zstack' | 'ember' | undefined {
  const require = createRequire(import.meta.url);
  const { findUsbAdapterBestMatch } = require('zigbee-herdsman/dist/adapter/adapterDiscovery.js');
  const match: [adapter: string, ...rest: unknown[]] | undefined = findUsbAdapterBestMatch(
    undefined,
    port,
    false,
  );
  const adapter = match?.[0];
  return adapter === 'zstack' || adapter === 'ember' ? adapter : undefined;
}

async function networkSticks(): Promise<StickCandidate[]> {
  const { Bonjour } = await import('bonjour-service');
  const bonjour = new Bonjour(undefined, () => undefined);
  const found = new Map<string, StickCandidate>();
  try {
    for (const type of SERVICES) {
      bonjour.find({ type }, ({ name, port, addresses = [], txt }) => {
        const address = addresses.find((each) => each.includes('.')) ?? addresses[0];
        if (!address) return;
        const host = address.includes(':') ? `[${address}]` : address;
        const radio = String((txt as Record<string, unknown> | undefined)?.['radio_type'] ?? '');
        const adapter = /zstack|znp/i.test(radio)
          ? 'zstack'
          : /ezsp|ember|efr/i.test(radio)
            ? 'ember'
            : undefined;
        const path = `tcp://${host}:${port}`;
        found.set(path, {
          label: `${name}: ${path}${adapter ? ` (likely "${adapter}")` : ''}`.slice(0, 200),
          parameters: { port: path, ...(adapter ? { adapter } : {}) },
        });
      });
    }
    await new Promise((resolve) => setTimeout(resolve, LISTEN_MS));
  } finally {
    bonjour.destroy();
  }
  return [...found.values()];
}
