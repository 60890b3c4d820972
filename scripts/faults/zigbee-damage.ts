/**
 * Every file of the Zigbee add-on, damaged in every way while nothing runs: its database of devices, its network, its
 * backup of the coordinator, what it remembers of the devices, and the copy that it keeps of each. Then the house is
 * started on the same stick, and the lamp is switched.
 */
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TYPES, ZigbeeHouse } from '../../test/e2e/zigbee/zigbee-house.ts';
import { ColourBulb } from '../../test/simulators/zigbee/devices/colour-bulb.ts';
import { heedingModes } from '../../test/support/heeding-modes.ts';
import { until } from '../../test/support/until.ts';
import { DAMAGE_KINDS, type DamageKind, damage } from './damage-kinds.ts';
import type { Random } from './random.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

/** The short form takes so many of the cases, each file among them. */
const SHORT_CASES = 12;
const LONG_ROUNDS = 20;
const FOLDER = 'addons-data/zigbee';
const SETTLES_MS = 40_000;
const OBEYS_MS = 30_000;
const PREVIOUS = /\.previous$/;

export const zigbeeDamage: Scenario = {
  name: 'zigbee-damage',
  breaks:
    'each file of the Zigbee add-on (devices, network, backup of the coordinator, last states, the copy before of each): torn, emptied, a bit flipped, zeros, a folder in its place, nobody may read it',
  holds:
    'what was paired works, and the network on the stick is the one that it was; or the add-on says which file cannot be read, what to do, and changes nothing. What was damaged is kept aside',
  boundMs: { short: 900_000, long: 8 * 3_600_000 },
  run,
};

interface Case {
  file: string;
  kind: DamageKind;
}

interface Lived {
  house: ZigbeeHouse;
  bulb: ColourBulb;
  bulbId: string;
  /** All that the gateway keeps, at rest. */
  template: string;
}

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, isOver, say } = suite;
  const lived = await live(suite);
  const files = filesOf(lived.template);
  const cases = chosen(files, random, long);
  const verdicts = new Map<string, number>();
  let done = 0;
  for (const each of cases) {
    if (isOver()) break;
    say(`${done} of ${cases.length}: ${each.file}, ${each.kind}`);
    const verdict = await putToTest(lived, each, random);
    if (verdict === undefined) continue;
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    done += 1;
  }
  // of some files there is nothing to damage in a way
  const planned = isOver() ? cases.length : done;
  return { faults: done, planned, counts: { files: files.length, ...Object.fromEntries(verdicts) } };
}

/** Each file twice written, so that there is a copy before of each. */
async function live({ scope }: FaultRun): Promise<Lived> {
  const house = await ZigbeeHouse.open();
  scope.defer(() => house.close());
  const bulb = house.radio.add(new ColourBulb());
  const { id: bulbId } = await house.pair(TYPES.bulb, bulb);
  for (let round = 0; round < 2; round += 1) {
    const { error } = await house.action('createBackup');
    demand(error === undefined, () => `the coordinator could not be backed up: ${error?.message}`);
    demand(
      (await house.set(bulbId, { state: round === 0 ? 'ON' : 'OFF' })).status === 200,
      'it does not obey',
    );
    await house.restart('stop');
    await house.until('running');
  }
  await house.daemon.stop();
  const template = join(scope.folder(), 'template');
  copy(house.folder.path, template);
  return { house, bulb, bulbId, template };
}

function chosen(files: readonly string[], random: Random, long: boolean): Case[] {
  const can = heedingModes() !== undefined;
  const kinds = DAMAGE_KINDS.filter((kind) => kind !== 'newer' && (can || kind !== 'unreadable'));
  const all = random.shuffled(files.flatMap((file) => kinds.map((kind) => ({ file, kind }))));
  if (long) return Array.from({ length: LONG_ROUNDS }, () => random.shuffled(all)).flat();
  const first = files.map((file) => all.find((each) => each.file === file) as Case);
  return [...first, ...all.filter((each) => !first.includes(each))].slice(0, SHORT_CASES);
}

async function putToTest(
  { house, bulb, bulbId, template }: Lived,
  { file, kind }: Case,
  random: Random,
): Promise<string | undefined> {
  const { path } = house.folder;
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  copy(template, path);
  const done = damage(join(path, FOLDER, file), kind, random);
  if (done === undefined) return undefined;
  const network = () => JSON.stringify(house.radio.network);
  const before = network();
  try {
    await house.restart('kill', kind === 'unreadable' ? (heedingModes() ?? []) : []);
    const { state, reason = '' } = await until(
      'the add-on has settled',
      async () => {
        const part = await house.part();
        return part !== undefined && /running|degraded|failed/.test(part.state) && part;
      },
      SETTLES_MS,
    );
    demand(network() === before, 'the network on the stick is another one');
    // a file and the copy that takes its place bear one name
    const isNamed = (words: string) => words.includes(basename(file).replace(PREVIOUS, ''));
    if (state !== 'running') {
      demand(isNamed(reason) && reason.includes('; '), `it is ${state}: ${reason}`);
      demand(kept(join(path, FOLDER), file), 'what was damaged is gone');
      return 'refused with what to do';
    }
    const isSaid = house.log().split('\n').some(isNamed);
    const obeys = await obey(house, bulbId, bulb);
    demand(obeys || isSaid, 'the lamp does not obey, and nobody said why');
    demand(!isSaid || kept(join(path, FOLDER), file), 'no copy was kept aside');
    return obeys ? (isSaid ? 'said and gone on' : 'whole') : 'said and begun anew';
  } catch (error) {
    throw new FaultFound(`${file}: ${done}: ${(error as Error).message}\n${house.log().slice(-2_000)}`, {
      cause: error,
    });
  } finally {
    await house.daemon.kill();
  }
}

async function obey(house: ZigbeeHouse, deviceId: string, bulb: ColourBulb): Promise<boolean> {
  const state = bulb.state.on ? 'OFF' : 'ON';
  return until(
    `the lamp is ${state}`,
    async () => (await house.set(deviceId, { state })).status === 200 && bulb.state.on === (state === 'ON'),
    OBEYS_MS,
  ).then(
    () => true,
    () => false,
  );
}

/** Itself, or under a dated name. */
function kept(folder: string, file: string): boolean {
  return readdirSync(folder).some((name) => name === file || name.startsWith(`${file}.damaged-`));
}

function filesOf(template: string): string[] {
  return readdirSync(join(template, FOLDER), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !statSync(path).isSocket() });
}
