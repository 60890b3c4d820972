/**
 * Puts an add-on of the tests where a foreign one is installed: a folder with a manifest below `DATA_FOLDER/addons`.
 * Its entry only imports the source from here, so that it finds the packages of this project.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const FOREIGN_TYPE = { description: 'a device of a test', manufacturer: 'Test', type: 'sensor' };

export interface ForeignAddon {
  slug: string;
  /** File below `test/e2e/addons`. */
  source?: string;
  /** Or the program itself. */
  program?: string;
}

/** @returns the id of its one device type */
export function addForeignAddon(dataFolder: string, { slug, source, program }: ForeignAddon): string {
  const folder = join(dataFolder, 'addons', slug);
  mkdirSync(folder, { recursive: true });
  const id = `type-${slug}`;
  const manifest = {
    id: slug,
    slug,
    name: slug,
    contract: 1,
    version: '1.0.0',
    types: [{ ...FOREIGN_TYPE, id, model: slug }],
    runtime: { process: { entry: 'main.mjs' } },
  };
  writeFileSync(join(folder, 'addon.json'), JSON.stringify(manifest));
  const imported = source && pathToFileURL(resolve(import.meta.dirname, '../e2e/addons', source)).href;
  writeFileSync(join(folder, 'main.mjs'), program ?? `import '${imported}';\n`);
  return id;
}
