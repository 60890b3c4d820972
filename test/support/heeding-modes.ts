/**
 * Root reads what nobody may read. A command that runs a program without that right, so that it heeds the modes of files
 * as the user does that gate runs as when it is installed.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const OVERRIDES = '-dac_override,-dac_read_search';
const WITHOUT = ['setpriv', `--bounding-set=${OVERRIDES}`, `--inh-caps=${OVERRIDES}`];
const OWN = resolve(import.meta.dirname, '../../package.json');

/** The command's first words; none where one is not root. Undefined where it cannot be had here. */
export function heedingModes(): readonly string[] | undefined {
  if (process.getuid?.() !== 0) return [];
  const [command = '', ...words] = WITHOUT;
  return spawnSync(command, [...words, 'test', '-r', OWN]).status === 0 ? WITHOUT : undefined;
}
