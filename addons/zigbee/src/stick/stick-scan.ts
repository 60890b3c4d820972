/** Looks for coordinators: serial ports, and those that announce themselves in the network (DNS-SD). */
import { createRequire } from 'node:module';
import type { JsonObject } from '@gate/addon-sdk';
import { stableNames } from './stable-port.ts';

/**
 * What network coordinators announce by DNS-SD (RFC 6763): the service without underscores, whose name must begin so, and
 * the adapter or the port where the announcement does not say it. The names are those that Home Assistant's ZHA looks for
 * (its manifest, `zeroconf`), and those of the makers' own firmware. ESPHome announces its own API port, not the radio's.
 */
interface CoordinatorService {
  name?: RegExp;
  port?: number;
}
const SERVICES: Readonly<Record<string, CoordinatorService>> = {
  'zigbee-coordinator': {},
  'slzb-06': {},
  'uzg-01': {},
  xzg: {},
  czc: {},
  zigstar_gw: {},
  zig_star_gw: {},
  tubeszb: {},
  esphomelib: { name: /^tube/i, port: 6638 },
};
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

/** What a coordinator says of itself in the network. */
export interface Announcement {
  name: string;
  port: number;
  addresses?: readonly string[] | undefined;
  txt?: unknown;
}

/** Undefined for one that is no coordinator, or has no address. */
export function announcedCandidate(type: string, announced: Announcement): StickCandidate | undefined {
  const service = SERVICES[type];
  const { name, addresses = [] } = announced;
  const address = addresses.find((each) => each.includes('.')) ?? addresses[0];
  if (!service || !address || service.name?.test(name) === false) return undefined;
  const adapter = spokenAdapter(announced.txt);
  const host = address.includes(':') ? `[${address}]` : address;
  const port = `tcp://${host}:${service.port ?? announced.port}`;
  return {
    label: `${name}: ${port} (${adapter ? `likely "${adapter}"` : 'its adapter is not announced'})`.slice(
      0,
      200,
    ),
    parameters: { port, ...(adapter ? { adapter } : {}) },
  };
}

/** `radio_type` of the TXT record, in ZHA's words or the library's. */
function spokenAdapter(txt: unknown): 'zstack' | 'ember' | undefined {
  const radio = String((txt as Record<string, unknown> | undefined)?.['radio_type'] ?? '');
  if (/^(znp|zstack|ti)/i.test(radio)) return 'zstack';
  return /^(ezsp|ember|efr)/i.test(radio) ? 'ember' : undefined;
}

async function networkSticks(): Promise<StickCandidate[]> {
  const { Bonjour } = await import('bonjour-service');
  const bonjour = new Bonjour(undefined, () => undefined);
  const found = new Map<string, StickCandidate>();
  try {
    for (const type of Object.keys(SERVICES)) {
      bonjour.find({ type }, (announced) => {
        const candidate = announcedCandidate(type, announced);
        if (candidate) found.set(String(candidate.parameters['port']), candidate);
      });
    }
    await new Promise((resolve) => setTimeout(resolve, LISTEN_MS));
  } finally {
    bonjour.destroy();
  }
  return [...found.values()];
}
