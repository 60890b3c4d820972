/**
 * `npm run pack:sdk`: the SDK as a package for add-ons of others, `dist/gate-addon-sdk-<version>.tgz`: compiled, with
 * its types and, inside it, the few packages it needs, so that `npm install` of it asks no registry.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OUT = 'dist';
const STAGE = join(OUT, 'sdk');

interface Package {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  [key: string]: unknown;
}

function packageIn(folder: string): Package {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;
}

function run(command: string, args: readonly string[], cwd = '.'): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

/** Where the packages below lie for whoever stands in `from`: its own folder first, then the top. */
function placeOf(name: string, from: string): string {
  for (const folder of [join(from, 'node_modules', name), join('node_modules', name)])
    if (existsSync(join(folder, 'package.json'))) return folder;
  throw new Error(`package "${name}" is not installed: npm ci`);
}

/** Copies a package and what it needs. */
function bundle(name: string, from: string, into: string): void {
  const source = placeOf(name, from);
  const target = join(into, 'node_modules', name);
  if (existsSync(target)) return;
  cpSync(source, target, {
    recursive: true,
    filter: (path) => !/\/(test|tests|benchmarks)(\/|$)/.test(path),
  });
  for (const needed of Object.keys(packageIn(source).dependencies ?? {})) {
    if (!existsSync(join(target, 'node_modules', needed))) bundle(needed, source, into);
  }
}

rmSync(STAGE, { recursive: true, force: true });
mkdirSync(STAGE, { recursive: true });
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.sdk.json']);

const { scripts: _, devDependencies: __, ...sdk } = packageIn('addons/sdk');
const needed = Object.keys(sdk.dependencies ?? {});
for (const name of needed) bundle(name, 'addons/sdk', STAGE);
const index = './addons/sdk/src/index';
const manifest = {
  ...sdk,
  exports: { '.': { types: `${index}.d.ts`, default: `${index}.js` } },
  files: ['addons', 'src'],
  bundleDependencies: needed,
};
writeFileSync(join(STAGE, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const file of ['LICENSE', 'addons/sdk/README.md'])
  cpSync(file, join(STAGE, file.split('/').at(-1) ?? file));

run('npm', ['pack', '--pack-destination', '..', '--loglevel', 'error'], STAGE);
console.log(`packed ${OUT}/gate-addon-sdk-${sdk.version}.tgz`);
