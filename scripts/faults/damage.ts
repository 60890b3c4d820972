/**
 * Every file that gate writes, damaged in every way, one at a time in a copy of a gateway that has been lived in. Then
 * it is started, up to three times, and used.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ended } from '../bench/scope.ts';
import { DAMAGE_KINDS, type DamageKind, damage } from './damage-kinds.ts';
import { copyOf, filesOf, layTemplate, TEMPLATE_ENVIRONMENT, type Template } from './damage-template.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

/** Each kind once for each file; kinds of chance for the store so often more. */
const STORE_AGAIN = { short: 4, long: 400 };
const ROUNDS = { short: 1, long: 20 };
const AT_ONCE = 3;
const SAID_EVERY = 20;
const STARTS_MAX = 3;
/** What a gateway that is up has to itself before it is asked: its first round of upkeep. */
const SETTLED_MS = 600;
const ENDS_WITHIN_MS = 3_000;
const PER_PAGE = 100;
const UNREADABLE = 'a part of the store cannot be read';
const UNMET = 'a part of the store cannot be read, and nothing of gate looked there';

export const damaged: Scenario = {
  name: 'damage',
  breaks:
    'each file that gate writes: torn, emptied, a bit flipped, a block of zeros, a folder in its place, a later version',
  holds:
    'it starts with everything; or says in words what is damaged, keeps a copy aside and starts the next time; or refuses with what to do. Nothing goes missing in silence, but what SQLite cannot notice: it keeps no checksums of the pages in `gate.db`',
  boundMs: { short: 900_000, long: 6 * 3_600_000 },
  run,
};

interface Case {
  file: string;
  kind: DamageKind;
  random: Random;
}
type Verdict =
  | 'whole'
  | 'said and begun anew'
  | 'said and gone on'
  | 'not noticed'
  | 'refused with what to do';

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, signal, say } = suite;
  const form = long ? 'long' : 'short';
  const ready = new ReadyTimes();
  const template = await layTemplate(suite, ready);
  const cases: Case[] = [];
  for (const file of filesOf(template)) {
    const isStore = /gate\.db(-wal)?$/.test(file);
    for (const kind of DAMAGE_KINDS) {
      const isChance = kind === 'torn' || kind === 'flipped' || kind === 'zeroed';
      const times = isStore && isChance ? STORE_AGAIN[form] : isChance ? ROUNDS[form] : 1;
      for (let n = 0; n < times; n += 1)
        cases.push({ file, kind, random: random.fork(`${file} ${kind} ${n}`) });
    }
  }
  const verdicts = new Map<Verdict, number>();
  const found: string[] = [];
  let done = 0;
  const waiting = [...cases];
  const work = async () => {
    for (let each = waiting.shift(); each && !signal.aborted; each = waiting.shift()) {
      const verdict = await putToTest(suite, template, each, ready).catch((error: unknown) => {
        if (!(error instanceof FaultFound)) throw error;
        say(`found: ${error.message}`);
        found.push(error.message);
      });
      if (verdict !== undefined) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      done += 1;
      if (done % SAID_EVERY === 0) say(`${done} of ${cases.length}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  demand(found.length === 0, () => `${found.length} times:\n${found.join('\n')}`);
  const faults = [...verdicts.values()].reduce((sum, count) => sum + count, 0);
  return {
    faults,
    counts: {
      files: new Set(cases.map(({ file }) => file)).size,
      ...Object.fromEntries(verdicts),
      ready: ready.words(),
    },
  };
}

async function putToTest(
  { scope }: FaultRun,
  template: Template,
  { file, kind, random }: Case,
  ready: ReadyTimes,
): Promise<Verdict | undefined> {
  const folder = scope.folder();
  copyOf(template, folder);
  const done = damage(join(folder, file), kind, random);
  const gateway = await FaultHouse.at({ scope, ready, folder, environment: TEMPLATE_ENVIRONMENT });
  try {
    if (done === undefined) return undefined;
    return await verdictOf(gateway, template, file);
  } catch (error) {
    throw new FaultFound(`${file}: ${done}: ${(error as Error).message}`, { cause: error });
  } finally {
    if (gateway.isRunning) await ended(gateway.daemon.process);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @throws FaultFound */
async function verdictOf(gateway: FaultHouse, template: Template, file: string): Promise<Verdict> {
  const said: string[] = [];
  for (let start = 1; start <= STARTS_MAX; start += 1) {
    const words = (await startOrWords(gateway)) ?? (await useOrWords(gateway, template, start));
    if (words !== undefined) {
      demand(
        words.startsWith('gate: ') && !/\n {4}at /.test(words),
        `it ended without proper words: ${words}`,
      );
      said.push(words);
      continue;
    }
    const missing = await missingIn(gateway, template);
    said.push(...complaints(gateway));
    if (missing === undefined) return start > 1 ? 'said and begun anew' : 'whole';
    // SQLite keeps no checksums of its pages: a bit that flipped in them may go unnoticed
    if (missing === UNMET || (isPage(file) && missing.includes('readings') && said.length === 0))
      return 'not noticed';
    const isSaid = said.some((line) => line.includes(basename(file)) || line.includes('the store'));
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
async function startOrWords(gateway: FaultHouse): Promise<string | undefined> {
  try {
    await gateway.start();
    return undefined;
  } catch (error) {
    if (gateway.isRunning) throw error;
    return gateway.daemon.errors;
  }
}

/** What is sent now is stored, or it is said why not. */
async function demandUsable(gateway: FaultHouse, { hook }: Template): Promise<void> {
  const { status, body } = await gateway.api.call('POST', new URL(hook, 'http://gate').pathname, {
    again: 1,
  });
  if (status === 200) return;
  const health = await gateway.api.call<{ parts: Record<string, { state: string; reason?: string }> }>(
    'GET',
    '/health/ready',
  );
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
  const path = join(folder, file);
  const name = basename(file).replace(/-wal$/, '');
  const beside = existsSync(dirname(path)) ? readdirSync(dirname(path)) : [];
  return beside.some((each) => each.startsWith(name) && each.includes('.damaged-'));
}
