/**
 * What is under way when something is killed, and what. Each leaves the gateway running again, and says whether it is
 * sure that the cut came in the middle.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { restoreBackup } from '../../src/backup/restore-backup.ts';
import { GateCommand } from '../../test/support/gate-command.ts';
import { fillStore } from './fill.ts';
import { JOURNAL, type KillHouse } from './kill-house.ts';
import { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { demand } from './scenario.ts';

export interface KillAction {
  name: string;
  /** Of a deck that is dealt through before it is shuffled again. */
  share: number;
  cut: (house: KillHouse, random: Random) => Promise<boolean>;
}

const DAY_MS = 86_400_000;
/** From the start of the daemon on: it looks for what it can pack, and for what is too old; from its first step on. */
const UPKEEP_WITHIN_MS = 10_000;
const UPKEEP_SPREAD_MS = 60;
/** Four steps of deletion, forty of packing. */
const FILLED = 20_000;
/** System calls of a writer that commits, checkpoints and makes its files, and how many of them come in a while. */
const STEPS: Record<string, number> = { fdatasync: 60, pwrite64: 900, ftruncate: 2, openat: 600, unlink: 3 };
const STEP_DEADLINE_MS = 2_500;

export const KILL_ACTIONS: readonly KillAction[] = [
  {
    name: 'ingest',
    share: 5,
    cut: async ({ gateway }, random) => {
      await pause(random.next() * 150);
      await gateway.daemon.kill();
      await gateway.start();
      return true;
    },
  },
  {
    name: 'registry',
    share: 3,
    cut: async ({ gateway, registry }, random) => {
      const disturbing = registry.disturb(gateway.api);
      await pause(random.next() * 200);
      await gateway.daemon.kill();
      await disturbing;
      await gateway.start();
      return true;
    },
  },
  { name: 'step of the writer', share: 5, cut: cutAtStep },
  {
    name: 'retention',
    share: 2,
    cut: (house, random) => cutUpkeep(house, random, { device: 'old', ageMs: 40 * DAY_MS }),
  },
  {
    name: 'packing',
    share: 2,
    cut: (house, random) => cutUpkeep(house, random, { device: 'young', ageMs: DAY_MS }),
  },
  { name: 'backup', share: 2, cut: cutBackup },
  {
    name: 'update of an add-on',
    share: 1,
    cut: async ({ gateway }, random) => {
      const path = join(gateway.folder, 'addons', JOURNAL, 'addon.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8'));
      writeFileSync(path, JSON.stringify({ ...manifest, version: `1.0.${random.whole(1, 1_000)}` }));
      const updating = gateway.api
        .call('PUT', `/device/v1/protocols/${JOURNAL}/installation`)
        .catch(() => undefined);
      await pause(random.next() * 600);
      await gateway.daemon.kill();
      await updating;
      await gateway.start();
      return true;
    },
  },
  {
    name: 'add-on',
    share: 3,
    cut: async ({ gateway }, random) => {
      const slug = random.pick([JOURNAL, JOURNAL, 'virtual', 'http']);
      const pid = gateway.addonPid(slug);
      await pause(random.next() * 100);
      return pid !== undefined && killed(pid);
    },
  },
  {
    name: 'mosquitto',
    share: 2,
    cut: async ({ cloud, witness }, random) => {
      await pause(random.next() * 150);
      await cloud.broker.kill();
      await witness.heard(15);
      await cloud.broker.start();
      return true;
    },
  },
];

/** @returns false when it has ended by itself meanwhile */
export function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** The daemon ends at a system call of its writer, by strace: before a sync, between two pages, at a new file. */
async function cutAtStep({ gateway, outside }: KillHouse, random: Random): Promise<boolean> {
  const step = random.pick(Object.keys(STEPS));
  const nth = random.whole(1, (STEPS[step] as number) + 1);
  await gateway.daemon.kill();
  const inject = ['-e', `trace=${step}`, '-e', `inject=${step}:signal=KILL:when=${nth}`];
  const daemon = gateway.spawn(['strace', '-D', '-f', '-qqq', '-o', join(outside, 'steps'), ...inject]);
  const ended = await Promise.race([daemon.exited, pause(STEP_DEADLINE_MS, undefined)]);
  if (ended === undefined) await daemon.kill();
  await gateway.start();
  return ended === 'SIGKILL';
}

/** Readings are laid into the store while nobody has it open; the next start deletes or packs them, step by step. */
async function cutUpkeep(
  { gateway, ledger, fillers }: KillHouse,
  random: Random,
  { device, ageMs }: { device: 'old' | 'young'; ageMs: number },
): Promise<boolean> {
  await gateway.daemon.kill();
  const deviceId = fillers[device];
  await fillStore(gateway.storePath, {
    addon: 'filler',
    deviceId,
    prefix: `f${random.whole(0, 2 ** 31)}`,
    readings: FILLED,
    fromTs: Date.now() - ageMs,
  });
  const of = '(SELECT k FROM device WHERE id = ?)';
  const figure =
    device === 'old'
      ? () => ledger.figure(`SELECT count(*) FROM reading WHERE dev = ${of}`, deviceId)
      : () => ledger.figure(`SELECT count(*) FROM reading_pack WHERE dev = ${of}`, deviceId);
  const before = figure();
  const daemon = gateway.spawn();
  const givenUpAt = performance.now() + UPKEEP_WITHIN_MS;
  while (figure() === before && performance.now() < givenUpAt) await pause(2);
  await pause(random.next() * UPKEEP_SPREAD_MS);
  await daemon.kill();
  const then = figure();
  await gateway.start();
  return then !== before && then !== 0;
}

/** Either the command that takes the backup is killed, or the daemon beside it; what then lies there can be restored. */
async function cutBackup({ gateway, outside }: KillHouse, random: Random): Promise<boolean> {
  const identity = await generateX25519Identity();
  const file = join(outside, `backup-${random.whole(0, 2 ** 31)}.age`);
  const words = ['backup', file, '--readings', '--recipient', await identityToRecipient(identity)];
  const command = new GateCommand(gateway.folder, words);
  const staging = join(gateway.folder, 'backup-staging');
  let isOver = false;
  void command.ended.then(() => {
    isOver = true;
  });
  while (!existsSync(staging) && !isOver) await pause(2);
  await pause(random.next() * 120);
  const wasUnderWay = existsSync(staging);
  if (random.next() < 0.5) {
    await command.kill();
    if (existsSync(file)) await demandRestorable({ gateway, outside }, file, identity);
    return wasUnderWay;
  }
  await gateway.daemon.kill();
  const { code, errors } = await command.ended;
  demand(code === 0, `a backup beside a daemon that was killed failed: ${errors}`);
  await gateway.start();
  await demandRestorable({ gateway, outside }, file, identity);
  return wasUnderWay;
}

async function demandRestorable(
  { gateway, outside }: Pick<KillHouse, 'gateway' | 'outside'>,
  file: string,
  identity: string,
): Promise<void> {
  const dataFolder = join(outside, `restored-${readdirSync(outside).length}`);
  const configFolder = join(dataFolder, 'config');
  await restoreBackup({ file, key: { identity }, dataFolder, configFolder, replace: false, now: Date.now });
  const devices = 'SELECT count(*) FROM device WHERE record IS NOT NULL';
  const [there, here] = [join(dataFolder, 'gate.db'), gateway.storePath].map((path) =>
    new Ledger(path).figure(devices),
  );
  demand(there === here, `a backup holds ${there} devices of ${here}`);
  for (const path of [dataFolder, file]) rmSync(path, { recursive: true });
}
