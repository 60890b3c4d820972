/**
 * `node scripts/images.ts [--registry HOST] [--push] [--platform linux/arm64,…] [--node-image NAME] [--built FOLDER]
 * [names…]`: the images of the add-ons, all of them where none is named, under the names that their manifests have. With `--push` and docker
 * buildx for both kinds of processors; otherwise for that of this machine, which its engine keeps.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { imageCommands } from './images/image-commands.ts';
import { imageNames, writeImageContext } from './images/image-context.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    platform: { type: 'string' },
    registry: { type: 'string' },
    'node-image': { type: 'string', default: 'node:24-slim' },
    push: { type: 'boolean', default: false },
    /** What `npm run build` has made; without it, it is made anew. */
    built: { type: 'string' },
  },
});
const names = imageNames();
const unknown = positionals.filter((slug) => !names.has(slug));
if (unknown.length > 0) {
  console.error(`no image is made of ${unknown.join(', ')}: there are ${[...names.keys()].join(', ')}`);
  process.exit(2);
}
const slugs = positionals.length > 0 ? positionals : [...names.keys()];
const folder = mkdtempSync(join(tmpdir(), 'gate-images-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function run(command: string, args: string[]): void {
  console.log(`> ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) console.error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

const hasBuildx = spawnSync('docker', ['buildx', 'version'], { stdio: 'ignore' }).status === 0;
if (!hasBuildx)
  console.log('docker buildx is not there: images are made for the processor of this machine alone');
if (values.platform !== undefined && !hasBuildx) {
  console.error('--platform needs docker buildx');
  process.exit(2);
}
const built = values.built ?? join(folder, 'dist');
if (values.built === undefined) run(process.execPath, ['scripts/build.ts', '--out', built]);
for (const slug of slugs) {
  const context = join(folder, slug);
  writeImageContext(slug, { built, out: context });
  const name = [values.registry, names.get(slug)].filter(Boolean).join('/');
  const { platform, push, 'node-image': nodeImage } = values;
  const order = { name, context, nodeImage, push, platform };
  for (const args of imageCommands(order, { hasBuildx })) run('docker', args);
}
console.log(`images: ${slugs.join(', ')}`);
