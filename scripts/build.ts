/**
 * `npm run build [-- --out FOLDER]`: what is packaged, in `dist/`: `node dist/src/main.js` is the daemon,
 * `dist/src/cli/main.js` the `gate` command. Each of them and each add-on is bundled
 * ([0014](../docs/decisions/0014-a-small-daemon.md)); the packages that an add-on names in its own package.json stay
 * packages beside it. The SDK is bundled too, with its types, under the name that add-ons import it by.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Metafile } from 'esbuild';
import { bundle } from './build/bundle.ts';
import { bundledFolders, hasLicence, licencesOf } from './build/licences.ts';
import { SLIMMED, slimPackage } from './build/slim-packages.ts';
import { buildDashboard } from './dashboard/build.ts';
import { productionPackages } from './package/production-packages.ts';
import { addonFolders, BUNDLED, foldersInside } from './package/third-party.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist' } } });
const OUT = values.out;
const SDK = '@gate/addon-sdk';
/** What the page `/docs` shows the API with. */
const EXPLORER = 'node_modules/openapi-explorer';

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const writeJson = (path: string, value: unknown) =>
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

async function buildAddon(folder: string): Promise<Metafile[]> {
  const { runtime, types } = readJson(join(folder, 'addon.json'));
  mkdirSync(join(OUT, folder), { recursive: true });
  for (const file of ['addon.json', types?.file, types?.settable]) {
    if (file !== undefined) cpSync(join(folder, file), join(OUT, folder, file));
  }
  const entry: string | undefined = runtime.process?.entry;
  if (entry === undefined) return [];
  const { dependencies = {} } = readJson(join(folder, 'package.json'));
  return [
    await bundle({
      entries: { [entry.replace(/\.ts$/, '')]: join(folder, entry) },
      outFolder: join(OUT, folder),
      external: Object.keys(dependencies).filter((name) => name !== SDK),
    }),
  ];
}

async function buildSdk(): Promise<Metafile> {
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', OUT], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  const folder = join(OUT, 'addons/sdk');
  writeJson(join(folder, 'package.json'), {
    ...readJson('addons/sdk/package.json'),
    exports: { '.': { types: './src/index.d.ts', default: './src/index.js' } },
  });
  // the bundles carry it inside; add-ons of others find it here
  mkdirSync(join(OUT, 'node_modules/@gate'), { recursive: true });
  symlinkSync('../../addons/sdk', join(OUT, 'node_modules', SDK), 'dir');
  return bundle({ entries: { 'src/index': 'addons/sdk/src/index.ts' }, outFolder: folder });
}

// releases of earlier builds stay
for (const path of globSync(join(OUT, '*'))) {
  if (path !== join(OUT, 'release')) rmSync(path, { recursive: true, force: true });
}
const metafiles = [await buildSdk()];
metafiles.push(
  await bundle({
    // the threads lie beside the chunks that start them
    entries: {
      'src/main': 'src/main.ts',
      'src/writer-thread': 'src/store/writer-thread.ts',
      'src/certificate-maker': 'src/api/certificates/certificate-maker.ts',
    },
    outFolder: OUT,
  }),
);
// apart from the daemon's, so that nothing of it is loaded there
metafiles.push(await bundle({ entries: { 'src/cli/main': 'src/cli/main.ts' }, outFolder: OUT }));
chmodSync(join(OUT, 'src/cli/main.js'), 0o755);
// root's own process, with nothing of the daemon either
metafiles.push(await bundle({ entries: { 'src/updater/main': 'src/updater/main.ts' }, outFolder: OUT }));
for (const manifest of globSync('addons/*/addon.json').sort()) {
  metafiles.push(...(await buildAddon(dirname(manifest))));
}

for (const folder of SLIMMED) slimPackage(folder, OUT);

// the files of the page lie beside the chunk that reads them
cpSync('src/api/description/page', join(OUT, 'src/page'), { recursive: true });
cpSync(join(EXPLORER, 'dist/browser/openapi-explorer.min.js'), join(OUT, 'src/page/openapi-explorer.min.js'));

const dashboard = await buildDashboard(join(OUT, 'src/dashboard'));

// "type": "module" for everything below
const { name, version } = readJson('package.json');
writeJson(join(OUT, 'package.json'), { name, version, type: 'module', bin: { gate: 'src/cli/main.js' } });
const bundled = bundledFolders(metafiles, [EXPLORER, ...dashboard.packages]);
writeJson(join(OUT, BUNDLED), bundled);
const beside = productionPackages(addonFolders());
// of others the words lie beside their files
const told = new Set([
  ...bundled,
  ...foldersInside('openapi-explorer'),
  ...beside.filter((each) => !hasLicence(each)),
]);
writeFileSync(join(OUT, 'THIRD-PARTY-LICENCES.txt'), licencesOf([...told].sort()));
console.log(`built ${OUT}/`);
