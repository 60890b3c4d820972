/**
 * A backup that is damaged in every way, restored over a gateway that is there: it is refused in a line that says what is
 * wrong, and nothing of that gateway is another one afterwards.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { MANIFEST_NAME } from '../../src/backup/manifest.ts';
import { opened, sealed } from '../../src/backup/seal.ts';
import { packed, unpacked } from '../../src/backup/tar.ts';
import { GateCommand } from '../../test/support/gate-command.ts';
import { heedingModes } from '../../test/support/heeding-modes.ts';
import { type DamageKind, damage } from './damage-kinds.ts';
import { copyOf, type Template } from './damage-template.ts';
import { demand, type FaultRun } from './scenario.ts';

/** Of the kinds of chance. */
const AGAIN = { short: 4, long: 400 };
const NEWER_STORE = 9_999;
const WORDS =
  /^gate: .*(damaged|no backup|is not that of this backup|cannot be read|not a file|was made by gate)/m;

interface Backups {
  template: Template;
  kinds: readonly DamageKind[];
}

/** @returns how many were refused @throws FaultFound */
export async function damageBackups(
  { scope, random, long, isOver, say }: FaultRun,
  { template, kinds }: Backups,
): Promise<number> {
  const outside = scope.folder();
  const house = join(outside, 'house');
  copyOf(template, house, '');
  const identity = await generateX25519Identity();
  const keyFile = join(outside, 'identity');
  writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
  const [whole, file] = [join(outside, 'whole.age'), join(outside, 'damaged.age')];
  const settings = { CONFIG_FOLDER: join(house, 'config') };
  const recipient = await identityToRecipient(identity);
  const taken = await new GateCommand(
    house,
    ['backup', whole, '--readings', '--recipient', recipient],
    settings,
  ).ended;
  demand(taken.code === 0, `the backup failed: ${taken.errors}`);

  const before = contentOf(house);
  const refuse = async (what: string, within: readonly string[] = []) => {
    const words = ['restore', file, '--replace', '--identity', keyFile];
    const { code, errors } = await new GateCommand(house, words, settings, within).ended;
    demand(
      code === 1 && WORDS.test(errors) && !/\n {4}at /.test(errors),
      `a backup ${what}: ${code}: ${errors}`,
    );
    demand(contentOf(house) === before, `a backup ${what} was refused, and the gateway is another one`);
    rmSync(file, { recursive: true });
  };
  let refused = 0;
  for (const kind of kinds) {
    const isChance = kind === 'torn' || kind === 'flipped' || kind === 'zeroed';
    const times = isChance ? AGAIN[long ? 'long' : 'short'] : 1;
    for (let n = 0; n < times && (n < AGAIN.short || !isOver()); n += 1) {
      copyFileSync(whole, file);
      let done = damage(file, kind, random);
      if (kind === 'newer') {
        await makeNewer(file, { identity, recipient, folder: join(outside, 'content') });
        done = `of version ${NEWER_STORE}`;
      }
      await refuse(String(done), kind === 'unreadable' ? heedingModes() : []);
      refused += 1;
    }
  }
  say(`${refused} damaged backups were refused`);
  return refused;
}

/** As a later gate would make it. */
async function makeNewer(
  file: string,
  { identity, recipient, folder }: { identity: string; recipient: string; folder: string },
): Promise<void> {
  mkdirSync(folder);
  await unpacked(await opened(createReadStream(file), { identity }), folder);
  const path = join(folder, MANIFEST_NAME);
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...manifest, storeVersion: NEWER_STORE }));
  const archive = packed(folder);
  await Promise.all([
    pipeline(await sealed(archive.stream, { recipient }), createWriteStream(file)),
    archive.done,
  ]);
  rmSync(folder, { recursive: true });
}

/** Each file and what is in it, as one text. */
function contentOf(folder: string): string {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isSocket())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path} ${entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''}`;
    })
    .sort()
    .join('\n');
}
