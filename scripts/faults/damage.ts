/**
 * Every file that gate writes, damaged in every way, one at a time in a copy of a gateway that has been lived in. Then
 * it is started, up to three times, and used. And a backup of it, damaged in every way, and restored.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { heedingModes } from '../../test/support/heeding-modes.ts';
import { ended } from '../bench/scope.ts';
import { damageBackups } from './damage-backups.ts';
import { DAMAGE_KINDS, type DamageKind, damage } from './damage-kinds.ts';
import {
  copyOf,
  filesOf,
  isNote,
  layTemplate,
  TEMPLATE_ENVIRONMENT,
  type Template,
} from './damage-template.ts';
import { type Verdict, verdictOf } from './damage-verdict.ts';
import { FaultHouse } from './house.ts';
import type { Random } from './random.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

/** Each kind once for each file; kinds of chance for the store so often more. */
const STORE_AGAIN = { short: 4, long: 400 };
/** Small files that a gateway can do without: of the kinds so many, in the short form. */
const NOTE_KINDS = 4;
const ROUNDS = { short: 1, long: 20 };
const AT_ONCE = 3;
const SAID_EVERY = 20;
/** Starts that are measured alone, for the aim. */
const STARTS_ALONE = 10;

export const damaged: Scenario = {
  name: 'damage',
  breaks:
    'each file that gate writes into its folders, also what a killed run, a backup that waits and a restore that was ordered leave (of add-ons, containers and updates: elsewhere): torn, emptied, a bit flipped, a block of zeros, a folder in its place, nobody may read it, a later version; a backup of it likewise, and then restored',
  holds:
    'it starts with everything; or says in words what is damaged, keeps a copy aside and starts the next time; or refuses with what to do; a backup is refused, and nothing is changed. Nothing goes missing in silence, but what SQLite cannot notice: it keeps no checksums of the pages in `gate.db`',
  boundMs: { short: 900_000, long: 6 * 3_600_000 },
  run,
};

interface Case {
  file: string;
  kind: DamageKind;
  random: Random;
}

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, isOver, say } = suite;
  const ready = new ReadyTimes(false);
  const template = await layTemplate(suite, ready);
  const kinds = kindsHere(say);
  // in an order of their own: where the time is short, of each file some
  const cases = random.shuffled(filesOf(template).flatMap((file) => casesOf(file, kinds, { random, long })));
  const verdicts = new Map<string, number>();
  const count = (verdict: string, times = 1) => verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + times);
  const found: string[] = [];
  let done = 0;
  const waiting = [...cases];
  const work = async () => {
    for (let each = waiting.shift(); each && !isOver(); each = waiting.shift()) {
      const verdict = await putToTest(suite, template, each, ready).catch((error: unknown) => {
        if (!(error instanceof FaultFound)) throw error;
        say(`found: ${error.message}`);
        found.push(error.message);
      });
      if (verdict !== undefined) count(verdict);
      done += 1;
      if (done % SAID_EVERY === 0) say(`${done} of ${cases.length}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  demand(found.length === 0, () => `${found.length} times:\n${found.join('\n')}`);
  count('backups refused', await damageBackups(suite, { template, kinds }));
  const alone = new ReadyTimes();
  for (let n = 0; n < STARTS_ALONE && !suite.signal.aborted; n += 1)
    await putToTest(suite, template, random.pick(cases), alone);
  const faults = [...verdicts.values()].reduce((sum, times) => sum + times, 0);
  // of some files there is nothing to damage in a way
  const planned = isOver() ? cases.length : faults;
  return {
    faults,
    planned,
    counts: {
      files: new Set(cases.map(({ file }) => file)).size,
      ...Object.fromEntries(verdicts),
      ready: alone.words(ready),
    },
  };
}

/** Without what cannot be done on this machine, which is told. */
function kindsHere(say: FaultRun['say']): readonly DamageKind[] {
  if (heedingModes() !== undefined) return DAMAGE_KINDS;
  say('nothing is made unreadable: root cannot give up here what lets it read all files');
  return DAMAGE_KINDS.filter((kind) => kind !== 'unreadable');
}

function casesOf(
  file: string,
  kinds: readonly DamageKind[],
  { random, long }: Pick<FaultRun, 'random' | 'long'>,
): Case[] {
  const form = long ? 'long' : 'short';
  const isStore = /^gate\.db(-wal)?$/.test(file);
  const chosen =
    !long && isNote(file)
      ? random
          .fork(file)
          .shuffled([...kinds])
          .slice(0, NOTE_KINDS)
      : kinds;
  return chosen.flatMap((kind) => {
    const isChance = kind === 'torn' || kind === 'flipped' || kind === 'zeroed';
    const times = isStore && isChance ? STORE_AGAIN[form] : isChance ? ROUNDS[form] : 1;
    return Array.from({ length: times }, (_, n) => ({
      file,
      kind,
      random: random.fork(`${file} ${kind} ${n}`),
    }));
  });
}

async function putToTest(
  { scope }: FaultRun,
  template: Template,
  { file, kind, random }: Case,
  ready: ReadyTimes,
): Promise<Verdict | undefined> {
  const folder = scope.folder();
  copyOf(template, folder, file);
  const done = damage(join(folder, file), kind, random);
  const gateway = await FaultHouse.at({ scope, ready, folder, environment: TEMPLATE_ENVIRONMENT });
  try {
    if (done === undefined) return undefined;
    const within = kind === 'unreadable' ? heedingModes() : [];
    return await verdictOf(gateway, template, { file, within: within ?? [] });
  } catch (error) {
    throw new FaultFound(`${file}: ${done}: ${(error as Error).message}`, { cause: error });
  } finally {
    if (gateway.isRunning) await ended(gateway.daemon.process);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
