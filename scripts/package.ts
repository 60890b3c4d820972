/**
 * `npm run package [-- --arch x64,arm64] [--out FOLDER] [--version VERSION]`: the release archives, in `dist/release/`:
 * `gate-<version>-<os>-<arch>.tar.gz`, each beside its checksum (`.sha256`) and signature (`.sig`). The same commit and
 * the same key give the same bytes ([0025](../docs/decisions/0025-releases-and-updates.md)).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, type Architecture } from './package/node-runtime.ts';
import { releaseName, writeReleaseFiles } from './package/release-files.ts';
import { layOutRelease, sealRelease } from './package/release-tree.ts';
import { signingKey } from './package/signing.ts';
import { sourceState } from './package/source-state.ts';

const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: ARCHITECTURES.join(',') },
    out: { type: 'string', default: 'dist/release' },
    /** Another one than in package.json: to try an update. */
    version: { type: 'string', default: String(JSON.parse(readFileSync('package.json', 'utf8')).version) },
    help: { type: 'boolean', default: false },
  },
});

function architectures(): Architecture[] {
  const named = values.arch.split(',');
  const known = ARCHITECTURES.filter((architecture) => named.includes(architecture));
  if (known.length === named.length) return known;
  throw new Error(`--arch is "${values.arch}", but there is ${ARCHITECTURES.join(' and ')} only`);
}

async function main(): Promise<void> {
  if (values.help) {
    console.log('npm run package [-- --arch x64,arm64] [--out FOLDER] [--version VERSION]');
    return;
  }
  if (!VERSION.test(values.version)) throw new Error(`--version is "${values.version}", not like 1.2.3`);
  const wanted = architectures();
  const out = resolve(values.out);
  const key = signingKey(out);
  const state = sourceState();
  // what lies in `dist` is left alone: it may be run from there just now
  const scratch = mkdtempSync(join('.', '.package-'));
  try {
    const built = join(scratch, 'dist');
    const { status } = spawnSync(process.execPath, ['scripts/build.ts', '--out', built], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw new Error('npm run build failed');
    for (const architecture of wanted) {
      const facts = { version: values.version, architecture, state, key };
      const folder = join(scratch, releaseName(facts));
      layOutRelease(folder, built, facts);
      await sealRelease(folder, facts);
      const file = await writeReleaseFiles(folder, out, facts);
      console.log(`${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB`);
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  if (key.development)
    console.log(
      'signed with a development key, which nobody vouches for: GATE_SIGNING_KEY names the real one',
    );
}

await main().catch((error: Error) => {
  console.error(`package: ${error.message}`);
  process.exitCode = 1;
});
