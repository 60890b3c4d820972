/** What a gateway with a damaged file comes to, when it is started and used; it may never be silent about what is gone. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { isNote, isOfRotation, OUTCOME, placeOf, type Template, WAITING } from './damage-template.ts';
import type { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { demand } from './scenario.ts';

const STARTS_MAX = 3;
/** What a gateway that is up has to itself before it is asked: its first round of upkeep. */
const SETTLED_MS = 600;
const ENDS_WITHIN_MS = 3_000;
const PER_PAGE = 100;
const UNREADABLE = 'a part of the store cannot be read';
const UNMET = 'a part of the store cannot be read, and nothing of gate looked there';
/** Of an address where nobody listens: all that the link has to say of credentials that are whole. */
const NOBODY_THERE = /refused/;

export type Verdict =
  | 'whole'
  | 'said and begun anew'
  | 'said and gone on'
  | 'not noticed'
  | 'refused with what to do';

interface Damaged {
  file: string;
  /** The daemon is run within this command. */
  within: readonly string[];
}

/** @throws FaultFound */
export async function verdictOf(
  gateway: FaultHouse,
  template: Template,
  { file, within }: Damaged,
): Promise<Verdict> {
  const said: string[] = [];
  for (let start = 1; start <= STARTS_MAX; start += 1) {
    const words = (await startOrWords(gateway, within)) ?? (await useOrWords(gateway, template, start));
    if (words !== undefined) {
      demand(
        words.startsWith('gate: ') && !/\n {4}at /.test(words),
        `it ended without proper words: ${words}`,
      );
      said.push(words);
      continue;
    }
    const missing = await missingIn(gateway, template);
    await demandCredentialsNamed(gateway, file);
    said.push(...complaints(gateway));
    await demandNoteCounts(gateway, file, said);
    if (missing === undefined) return start > 1 ? 'said and begun anew' : 'whole';
    const isSaid = said.some((line) => line.includes(basename(file)) || line.includes('the store'));
    // SQLite keeps no checksums of its pages: a bit that flipped in them may go unnoticed
    if (missing === UNMET || (isPage(file) && missing.includes('readings') && !isSaid)) return 'not noticed';
    demand(isSaid, () => `${missing}, and nobody said so`);
    if (missing === UNREADABLE) return 'said and gone on';
    demand(hasCopyAside(gateway.folder, file), `${missing}, and no copy was kept aside`);
    const isTakenOver = said.some((line) => line.includes('were taken over'));
    demand(
      !isTakenOver || !missing.includes('devices'),
      `${missing}, and it was said that they were taken over`,
    );
    return 'said and begun anew';
  }
  demand(
    said.every((words) => words.includes('Next: ') || words.includes(': check ')),
    () => `it does not start any more, and does not say what to do: ${said[0]}`,
  );
  return 'refused with what to do';
}

const complaints = ({ daemon }: FaultHouse) =>
  daemon.log.filter(({ level }) => /warn|error|fatal/.test(level)).map(({ msg }) => msg);

/** A gateway that is up. @returns its last words where it ended on what it met */
async function useOrWords(
  gateway: FaultHouse,
  template: Template,
  start: number,
): Promise<string | undefined> {
  await pause(SETTLED_MS);
  try {
    if (start === 1 && (await missingIn(gateway, template)) === undefined)
      await demandUsable(gateway, template);
    return undefined;
  } catch (error) {
    const end = await Promise.race([gateway.daemon.exited, pause(ENDS_WITHIN_MS, undefined)]);
    if (end === undefined) throw error;
    const fatal = gateway.daemon.log.find(({ level }) => level === 'fatal');
    return `gate: ${fatal?.msg ?? ''}. Next: start again`;
  }
}

/** @returns what it said where it ended */
async function startOrWords(gateway: FaultHouse, within: readonly string[]): Promise<string | undefined> {
  try {
    await gateway.start(within);
    return undefined;
  } catch (error) {
    if (gateway.isRunning) throw error;
    return gateway.daemon.errors;
  }
}

interface Health {
  parts: Record<string, { state: string; reason?: string }>;
}

/** The cloud's part says which of its files it cannot use. A pair that was being exchanged is the old or the new one, whole. */
async function demandCredentialsNamed({ api }: FaultHouse, file: string): Promise<void> {
  if (!file.startsWith('config/') || file.endsWith('.env')) return;
  const reason = await until('the link was tried', async () => {
    const { parts } = await api.get<Health>('/health/ready');
    return parts['cloud'] && parts['cloud'].state !== 'starting' && (parts['cloud'].reason ?? '');
  });
  const isNamed = !isOfRotation(file) && reason.includes(basename(file));
  demand(NOBODY_THERE.test(reason) || isNamed, `the cloud's part says: ${reason}`);
}

interface Standing {
  backup: { state: string };
  restore: { state: string };
}

/** What it stood for is there all the same; or it was said that it is damaged, and it was set aside. */
async function demandNoteCounts(gateway: FaultHouse, file: string, said: readonly string[]): Promise<void> {
  const isOfRestore = file.startsWith(WAITING) || file === OUTCOME;
  if (!isOfRestore && !isNote(file)) return;
  if (said.some((line) => line.includes(basename(file)))) return;
  // a record of a run whose process is gone stands for nothing
  if (!isOfRestore && !file.startsWith('backup-')) return;
  const { backup, restore } = await gateway.api.get<Standing>('/maintenance/v1');
  const isThere = isOfRestore ? restore.state === 'applied' : backup.state === 'ready';
  demand(isThere, `backup: ${backup.state}, restore: ${restore.state}, and nobody said that it is damaged`);
}

/** What is sent now is stored, or it is said why not. */
async function demandUsable(gateway: FaultHouse, { hook }: Template): Promise<void> {
  const { status, body } = await gateway.api.call('POST', new URL(hook, 'http://gate').pathname, {
    again: 1,
  });
  if (status === 200) return;
  const health = await gateway.api.call<Health>('GET', '/health/ready');
  const { state, reason } = health.body.parts['store'] ?? {};
  demand(
    state === 'failed' && reason !== undefined,
    `a reading was answered ${status} ${JSON.stringify(body)}, and health says of the store: ${state} ${reason}`,
  );
}

/** @returns in words what is not there any more */
async function missingIn(
  gateway: FaultHouse,
  { devices, readings, witness }: Template,
): Promise<string | undefined> {
  const there = new Set((await gateway.api.get<{ id: string }[]>('/device/v1/devices')).map(({ id }) => id));
  const gone = devices.filter((id) => !there.has(id));
  if (gone.length > 0) return `${gone.length} of ${devices.length} devices are gone`;
  try {
    const stored = new Ledger(gateway.storePath).figure(
      `SELECT count(*) FROM reading r JOIN device d ON d.k = r.dev WHERE d.record ->> '$.protocol' = 'witness'`,
    );
    return stored === readings ? undefined : `${stored} of ${readings} readings are there`;
  } catch {
    // nobody has looked there yet: somebody does
    let met = false;
    for (const id of witness)
      for (let page = 1; page <= Math.ceil(readings / PER_PAGE); page += 1)
        met ||= await fails(gateway, `/device/v1/devices/${id}/data?perPage=${PER_PAGE}&page=${page}`);
    return met ? UNREADABLE : UNMET;
  }
}

const isPage = (file: string) => basename(file) === 'gate.db';

async function fails({ api }: FaultHouse, path: string): Promise<boolean> {
  return (await api.call('GET', path)).status >= 500;
}

function hasCopyAside(folder: string, file: string): boolean {
  const path = join(folder, placeOf(file));
  const name = basename(file).replace(/-wal$/, '');
  const beside = existsSync(dirname(path)) ? readdirSync(dirname(path)) : [];
  return beside.some((each) => each.startsWith(name) && each.includes('.damaged-'));
}
