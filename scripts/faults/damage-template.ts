/** A gateway that has been lived in, at rest: what each damage is done to a copy of. */
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Authority, type Pair } from '../cloud/authority.ts';
import { clientIdOf, writeCredentials } from '../cloud/credentials-folder.ts';
import { FaultHouse } from './house.ts';
import type { ReadyTimes } from './ready-times.ts';
import type { FaultRun } from './scenario.ts';
import { Witness } from './witness.ts';

/** Most of them lie in the store's file, the last ones in its log. */
const READINGS = 6_000;
const DEVICES = 8;
/** What Node keeps of compiled code: hundreds of files, of which one or two do. */
const CACHE = 'cache';
const ROTATION = 'config/.rotation';

export interface Template {
  folder: string;
  /** Ids of all devices. */
  devices: string[];
  /** Those of the witness. */
  witness: string[];
  /** How many readings of the witness. */
  readings: number;
  /** Where the API takes a reading. */
  hook: string;
}

export async function layTemplate({ scope }: FaultRun, ready: ReadyTimes): Promise<Template> {
  const outside = scope.folder();
  const folder = join(scope.folder(), 'data');
  mkdirSync(folder, { mode: 0o700 });
  const authority = new Authority(join(outside, 'authority'));
  // nobody listens there: the link is tried, and that is all
  const place = { projectId: 'p', gatewayId: 'g', host: '127.0.0.1', port: 9 };
  writeCredentials(join(folder, 'config'), place, authority);
  const gateway = await FaultHouse.at({ scope, ready, folder, environment: TEMPLATE_ENVIRONMENT });
  await gateway.start();
  const witness = new Witness(join(outside, 'acked'));
  scope.defer(() => witness.close());
  witness.perTurn = 40;
  const { api } = gateway;
  await witness.move(api);
  await witness.heard(READINGS);
  const types = await api.get<{ id: string; model: string }[]>('/device/v1/types');
  const type = types.find(({ model }) => model === 'HTTP-DEVICE')?.id;
  const added = await api.send<{ id: string }>('POST', '/device/v1/devices', {
    name: 'hooked',
    type,
    parameters: { hostname: '127.0.0.1', port: 9 },
  });
  const hook = await api.send<{ webhook: string }>('POST', `/device/v1/devices/${added.id}/webhook`);
  for (let n = 0; n < DEVICES; n += 1) {
    const device = { name: `lamp ${n}`, isVirtual: true, demoActive: n === 0, frequency: 30 };
    await api.send('POST', '/device/v1/devices', device);
  }
  await witness.settled();
  // availability and notifications are written a little later
  await pause(1_500);
  const devices = (await api.get<{ id: string }[]>('/device/v1/devices')).map(({ id }) => id);
  await gateway.daemon.kill();
  await witness.close();
  layRotation(join(folder, ROTATION), authority.issue({ commonName: clientIdOf(place) }));
  return { folder, devices, witness: witness.deviceIds, readings: witness.acked.size, hook: hook.webhook };
}

/** A new certificate that the cloud took, and a power cut before it was put in its place. */
function layRotation(folder: string, { certificate, key }: Pair): void {
  mkdirSync(folder, { mode: 0o700 });
  const files = { 'private.key': key, 'certificate.pem': certificate, request: 'r1', accepted: 'r1' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

export const TEMPLATE_ENVIRONMENT = { TLS: 'self-signed', ON_PREMISE_ENABLED: 'true' };

/** Files below its folder that gate writes, relative to it, in a settled order. */
export function filesOf({ folder }: Template): string[] {
  const found = walk(folder)
    .map((path) => relative(folder, path))
    .filter((path) => !path.endsWith('.sock') && !/^run\/|-shm$/.test(path))
    .sort();
  const cached = found.filter((path) => path.startsWith(CACHE)).slice(0, 2);
  return [...found.filter((path) => !path.startsWith(CACHE)), ...cached];
}

/** For the damage of one file: the exchange of certificates is under way only where it is one of its files. */
export function copyOf({ folder }: Template, to: string, file: string): void {
  const rotation = join(folder, ROTATION);
  cpSync(folder, to, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !statSync(path).isSocket() && (isOfRotation(file) || path !== rotation),
  });
}

export function isOfRotation(file: string): boolean {
  return file.startsWith(ROTATION);
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return walk(path);
    return entry.isFile() ? [path] : [];
  });
}
