/**
 * The folder that an add-on's image is built in: its bundle, the packages of others that it needs as they are installed
 * here (they are JavaScript, or carry what each processor needs), and its Dockerfile.
 */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { STAND_INS } from '../package/production-packages.ts';

const SDK = '@gate/addon-sdk';
const LICENCES = 'THIRD-PARTY-LICENCES.txt';

/** The add-ons that an image is made of, by slug, and what their manifests call it. One of others (`service`) is not made here. */
export function imageNames(): Map<string, string> {
  const names = globSync('addons/*/addon.json').map((path): [string, string | undefined] => {
    const { container } = JSON.parse(readFileSync(path, 'utf8')).runtime;
    return [basename(dirname(path)), container?.service ? undefined : container?.image];
  });
  const made = names.filter((each): each is [string, string] => each[1] !== undefined);
  return new Map(made.sort());
}

/** `built` is what `npm run build` made. */
export function writeImageContext(slug: string, { built, out }: { built: string; out: string }): void {
  const addon = join('addons', slug);
  const app = join(out, 'app');
  mkdirSync(app, { recursive: true });
  cpSync('addons/Dockerfile', join(out, 'Dockerfile'));
  // what is bundled has its words nowhere else in an image
  cpSync('LICENSE', join(app, 'LICENSE'));
  cpSync(join(built, LICENCES), join(app, LICENCES));
  cpSync(join(built, addon), join(app, addon), { recursive: true });
  writeFileSync(join(app, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
  writeFileSync(join(app, 'main.js'), `import './${addon}/src/main.js';\n`);
  for (const folder of neededPackages(addon)) {
    const standIn = STAND_INS.find((name) => folder.endsWith(`node_modules/${name}`));
    const from = standIn === undefined ? whereBuilt(folder, built) : join('packaging/stand-ins', standIn);
    cpSync(from, join(app, folder), { recursive: true, filter: isOwn });
  }
}

/** The copy that the build has made of a package, or the package itself. */
function whereBuilt(folder: string, built: string): string {
  const copy = join(built, folder);
  return existsSync(join(copy, 'package.json')) ? copy : folder;
}

/** The folders of all packages that this one needs, those that they need included. */
export function neededPackages(addon: string): string[] {
  const found = new Set<string>();
  const waiting = [addon];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const { dependencies = {}, optionalDependencies = {} } = readPackage(folder);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (name === SDK) continue;
      const needed = findPackage(name, folder);
      if (needed === undefined) {
        if (name in optionalDependencies) continue;
        throw new Error(`${name}, which ${folder} needs, is not installed: npm ci`);
      }
      if (!found.has(needed)) waiting.push(needed);
      found.add(needed);
    }
  }
  return [...found].sort();
}

/** As Node looks for it: beside the one who needs it, then further up. */
function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return relative('.', candidate);
    if (folder === '.' || folder === dirname(folder)) return undefined;
  }
}

function readPackage(folder: string): Record<string, Record<string, string> | undefined> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** Packages within a package are found by themselves; maps and types nobody reads there. */
function isOwn(path: string): boolean {
  const inner = path.split('node_modules').length > 2 && !existsSync(join(path, 'package.json'));
  return !(inner && path.endsWith('node_modules')) && !/\.(d\.[cm]?ts|map)$/.test(path);
}
