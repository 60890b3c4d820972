/**
 * `npm run build`: the compiled tree in `dist/`, as it is packaged: `node dist/src/main.js` is the daemon. Beside what
 * the compiler writes it needs the add-ons' manifests and types, and the SDK under the name that add-ons import it by.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OUT = 'dist';

rmSync(OUT, { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (status !== 0) process.exit(1);

for (const file of globSync('addons/*/{addon,types}.json')) cpSync(file, join(OUT, file));

const sdk = JSON.parse(readFileSync('addons/sdk/package.json', 'utf8'));
const exported = { '.': { types: './src/index.d.ts', default: './src/index.js' } };
writeFileSync(
  join(OUT, 'addons/sdk/package.json'),
  `${JSON.stringify({ ...sdk, exports: exported }, null, 2)}\n`,
);
// "type": "module" for everything below
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync(join(OUT, 'package.json'), `${JSON.stringify({ name, version, type: 'module' }, null, 2)}\n`);
mkdirSync(join(OUT, 'node_modules/@gate'), { recursive: true });
symlinkSync('../../addons/sdk', join(OUT, 'node_modules/@gate/addon-sdk'), 'dir');
console.log(`built ${OUT}/`);
