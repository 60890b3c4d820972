/**
 * `npm run pack:sdk`: the SDK as a package for add-ons of others, `dist/gate-addon-sdk-<version>.tgz`. It is one file
 * with its types, and `npm install` of it asks no registry: what the SDK needs is inside, and the package that its types
 * are made of lies beside them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './build/bundle.ts';
import { bundledFolders, licencesOf } from './build/licences.ts';

const OUT = 'dist';
const STAGE = join(OUT, 'sdk');
/** The messages' types are inferred from its schemas. */
const TYPES_OF = 'valibot';

function run(command: string, args: readonly string[], cwd = '.'): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

rmSync(STAGE, { recursive: true, force: true });
mkdirSync(STAGE, { recursive: true });
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', STAGE]);
const index = 'addons/sdk/src/index';
const metafile = await bundle({ entries: { [index]: 'addons/sdk/src/index.ts' }, outFolder: STAGE });
writeFileSync(join(STAGE, 'THIRD-PARTY-LICENCES.txt'), licencesOf(bundledFolders([metafile])));

const { dependencies, ...sdk } = JSON.parse(readFileSync('addons/sdk/package.json', 'utf8'));
const manifest = {
  ...sdk,
  exports: { '.': { types: `./${index}.d.ts`, default: `./${index}.js` } },
  files: ['addons', 'src', 'THIRD-PARTY-LICENCES.txt'],
  dependencies: { [TYPES_OF]: dependencies[TYPES_OF] },
  bundleDependencies: [TYPES_OF],
};
writeFileSync(join(STAGE, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const [file, name] of [
  ['LICENSE', 'LICENSE'],
  ['addons/sdk/README.md', 'README.md'],
] as const) {
  cpSync(file, join(STAGE, name));
}
cpSync(join('node_modules', TYPES_OF), join(STAGE, 'node_modules', TYPES_OF), { recursive: true });

run('npm', ['pack', '--silent', '--pack-destination', '..'], STAGE);
console.log(`packed ${OUT}/gate-addon-sdk-${sdk.version}.tgz`);
