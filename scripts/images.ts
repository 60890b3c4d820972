/**
 * `node scripts/images.ts [--platform linux/amd64,linux/arm64] [--registry HOST] [--node-image NAME] [--push] [names…]`:
 * the images of the add-ons, all of them where none is named, under the names that their manifests have. With buildx for
 * both kinds of processors (then with `--push`, for an engine keeps one kind); without it for that of this machine.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeImageContext } from './images/image-context.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    platform: { type: 'string', default: 'linux/amd64,linux/arm64' },
    registry: { type: 'string' },
    'node-image': { type: 'string', default: 'node:24-slim' },
    push: { type: 'boolean', default: false },
  },
});
const all = globSync('addons/*/Dockerfile').map((path) => basename(dirname(path)));
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no image is made of ${unknown.join(', ')}: there are ${all.sort().join(', ')}`);
  process.exit(2);
}
const slugs = positionals.length > 0 ? positionals : all.sort();
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
const built = join(folder, 'dist');
run(process.execPath, ['scripts/build.ts', '--out', built]);
for (const slug of slugs) {
  const { runtime } = JSON.parse(readFileSync(join('addons', slug, 'addon.json'), 'utf8'));
  const name: string = values.registry
    ? `${values.registry}/${runtime.container.image}`
    : runtime.container.image;
  const context = join(folder, slug);
  writeImageContext(slug, { built, out: context });
  const common = ['--build-arg', `NODE_IMAGE=${values['node-image']}`, '--tag', name];
  if (hasBuildx) {
    const output = values.push ? ['--push'] : [];
    run('docker', ['buildx', 'build', ...common, '--platform', values.platform, ...output, context]);
  } else {
    run('docker', ['build', ...common, context]);
    if (values.push) run('docker', ['push', name]);
  }
}
console.log(`images: ${slugs.join(', ')}`);
