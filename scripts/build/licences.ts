/** The licences of the packages that are carried inside the bundles, as those licences ask for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^(licen[cs]e|copying|notice)/i;

/**
 * One text: each package with its version, the name of its licence and the licence's words.
 * @param copied folders of packages that are carried as files of their own
 */
export function licencesOf(metafiles: readonly Metafile[], copied: readonly string[] = []): string {
  const folders = new Set(copied);
  for (const { inputs } of metafiles) {
    for (const path of Object.keys(inputs)) {
      const folder = PACKAGE.exec(path)?.[1];
      if (folder !== undefined) folders.add(folder);
    }
  }
  const sections = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const words = readdirSync(folder)
      .filter((file) => LICENCE.test(file) && existsSync(join(folder, file)))
      .map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license ?? 'see below'})`, ...words].join('\n\n');
  });
  return `${sections.join('\n\n----------------------------------------\n\n')}\n`;
}
