/** A gateway that has been lived in, at rest: what each damage is done to a copy of. */
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { BackupByCommand } from '../../src/backup/backup-maker.ts';
import { finishOrderedRestore } from '../../src/backup/ordered-restore.ts';
import { RestoreDeskOnDisk } from '../../src/backup/restore-desk.ts';
import { Authority, type Pair } from '../cloud/authority.ts';
import { clientIdOf, writeCredentials } from '../cloud/credentials-folder.ts';
import { BUILT } from './built.ts';
import { FaultHouse } from './house.ts';
import type { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun } from './scenario.ts';
import { Witness } from './witness.ts';

/** Most of them lie in the store's file, the last ones in its log. */
const READINGS = 6_000;
const COPIED = { recursive: true, preserveTimestamps: true };
const DEVICES = 8;
/** What Node keeps of compiled code: hundreds of files, of which one or two do. */
const CACHE = 'cache';
const ROTATION = 'config/.rotation';
/** Of these there is one for each add-on that runs, and one is as good as another. */
const RUN = 'run';
export const WAITING = 'restore-waiting';
const OUTBOX = 'backup-outbox';
export const OUTCOME = 'restore-outcome.json';
/** There only where one of its own files is damaged: it is an hour of a gateway's life, not all of it. */
const PASSING = [ROTATION, WAITING, OUTBOX, OUTCOME];
/** Of what was unpacked the store; a backup in its sealed form is damaged by `damage-backups.ts`. */
const UNPACKED = /^restore-waiting\/content\/(?!data\/gate\.db$)|\.age$/;

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
  const template = {
    folder,
    devices,
    witness: witness.deviceIds,
    readings: witness.acked.size,
    hook: hook.webhook,
  };
  await layBackups(template, { house: join(outside, 'house'), restored: join(outside, 'restored') });
  layRotation(join(folder, ROTATION), authority.issue({ commonName: clientIdOf(place) }));
  return template;
}

/** A new certificate that the cloud took, and a power cut before it was put in its place. */
function layRotation(folder: string, { certificate, key }: Pair): void {
  mkdirSync(folder, { mode: 0o700 });
  const files = { 'private.key': key, 'certificate.pem': certificate, request: 'r1', accepted: 'r1' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

/**
 * A backup that waits to be fetched; the same one, ordered to be put in place at the next start; and how one ended that
 * was, not told yet. Made in copies: what is damaged otherwise is a gateway that was killed.
 */
async function layBackups(
  template: Template,
  { house, restored }: { house: string; restored: string },
): Promise<void> {
  copyOf(template, house, '');
  const parts = {
    cliPath: join(BUILT, 'src/cli/main.js'),
    nodePath: process.execPath,
    environment: { PATH: process.env['PATH'], CONFIG_FOLDER: join(house, 'config') },
    dataFolder: house,
    configFolder: join(house, 'config'),
    now: Date.now,
    checkSettings: async () => undefined,
    onDamaged: (words: string) => {
      throw new Error(words);
    },
  };
  const options = { onProgress: () => undefined, signal: new AbortController().signal };
  const identity = await generateX25519Identity();
  const seal = { recipient: await identityToRecipient(identity) };
  await new BackupByCommand(parts).take({ seal, readings: true }, options);
  const desk = new RestoreDeskOnDisk(parts);
  await desk.check(join(house, OUTBOX, 'backup.age'), { identity }, options);
  await desk.order();
  cpSync(house, restored, { recursive: true, filter: (path) => !statSync(path).isSocket() });
  const folders = { dataFolder: restored, configFolder: join(restored, 'config') };
  demand(await finishOrderedRestore(folders, Date.now()), 'what was ordered was not put in place');
  for (const name of [WAITING, OUTBOX]) cpSync(join(house, name), join(template.folder, name), COPIED);
  cpSync(join(restored, OUTCOME), join(template.folder, OUTCOME));
  for (const each of [house, restored]) rmSync(each, { recursive: true });
}

export const TEMPLATE_ENVIRONMENT = { TLS: 'self-signed', ON_PREMISE_ENABLED: 'true' };

/** Files below its folder that gate writes, relative to it, in a settled order. */
export function filesOf({ folder }: Template): string[] {
  const found = walk(folder)
    .map((path) => relative(folder, path))
    .filter((path) => !path.endsWith('.sock') && !path.endsWith('-shm') && !UNPACKED.test(path))
    .sort();
  const isAlike = (path: string) => [CACHE, RUN].some((name) => path.startsWith(`${name}/`));
  const [cached, run] = [CACHE, RUN].map((name) => found.filter((path) => path.startsWith(`${name}/`)));
  return [
    ...found.filter((path) => !isAlike(path)),
    ...(cached ?? []).slice(0, 2),
    ...(run ?? []).slice(0, 1),
  ];
}

/** For the damage of one file: what passes by is there only where it is one of its files. */
export function copyOf({ folder }: Template, to: string, file: string): void {
  const left = PASSING.filter((name) => !file.startsWith(name)).map((name) => join(folder, name));
  cpSync(folder, to, {
    ...COPIED,
    filter: (path) => !statSync(path).isSocket() && !left.includes(path),
  });
}

/** What a gateway writes down for itself of a work that passes. */
export function isNote(file: string): boolean {
  return (
    file.startsWith(`${RUN}/`) || (file.endsWith('.json') && PASSING.some((name) => file.startsWith(name)))
  );
}

/** Where it comes to lie at a start, and what is damaged of it is set aside. */
export function placeOf(file: string): string {
  return file.replace(/^restore-waiting\/content\/data\//, '');
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
