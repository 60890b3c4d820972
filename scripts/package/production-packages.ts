/**
 * The packages that add-ons load when they run (`scripts/build.ts` leaves them out of the bundles), with all that they
 * need in turn, as the lock file has them.
 */
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Architecture } from './node-runtime.ts';

interface LockedPackage {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}
type Locked = Record<string, LockedPackage>;

const SDK = '@gate/addon-sdk';
/** For who develops with the package: never loaded. */
const NOT_SHIPPED = /(\.map|\.d\.[cm]?ts|\.tsbuildinfo|\.h|\.gypi?|^CHANGELOG\.md)$/;
const NOT_SHIPPED_FOLDERS = new Set(['.github', '.vscode', 'prebuilds']);

/** Packages in whose place `packaging/stand-ins` has one of our own (docs/decisions/0032-licences-of-a-release.md). */
export const STAND_INS: readonly string[] = readdirSync('packaging/stand-ins');

/** Folders below the project's root, such as `node_modules/serialport`; sorted. */
export function productionPackages(addonFolders: readonly string[]): string[] {
  return lockedFolders(addonFolders).filter((folder) => !addonFolders.includes(folder));
}

/** These folders, and those of all that they need in turn; sorted. @throws Error where one is not installed */
export function lockedFolders(from: readonly string[]): string[] {
  const locked: Locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  const found = new Set<string>(from);
  const waiting = [...from];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const { dependencies, optionalDependencies } = locked[folder] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (name === SDK) continue;
      const needed = resolved(locked, folder, name);
      if (needed === undefined || !existsSync(needed)) {
        if (optionalDependencies?.[name] !== undefined) continue;
        throw new Error(`${name}, which ${folder} needs, is not installed: npm ci`);
      }
      // what a stand-in takes the place of is not carried, nor what that needs
      if (!found.has(needed) && !STAND_INS.includes(name)) waiting.push(needed);
      found.add(needed);
    }
  }
  return [...found].sort();
}

/** Where Node finds a package from: the nearest `node_modules` on the way up. */
function resolved(locked: Locked, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (basename(folder) === 'node_modules') continue;
    const path = folder === '.' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (locked[path] !== undefined) return path;
    if (folder === '.') return undefined;
  }
}

/** Copies packages below `into`, without those that lie inside them: each is listed by itself. One that the build has put there stays. */
export function copyPackages(folders: readonly string[], into: string, architecture: Architecture): void {
  for (const folder of folders) {
    const standIn = STAND_INS.find((name) => folder.endsWith(`node_modules/${name}`));
    if (standIn !== undefined) {
      cpSync(join('packaging/stand-ins', standIn), join(into, folder), { recursive: true });
      continue;
    }
    if (existsSync(join(into, folder, 'package.json'))) continue;
    cpSync(folder, join(into, folder), {
      recursive: true,
      filter: (path) => {
        const name = basename(path);
        if (path === folder) return true;
        if (name === 'node_modules' || NOT_SHIPPED.test(name)) return false;
        return !(NOT_SHIPPED_FOLDERS.has(name) && statSync(path).isDirectory());
      },
    });
    copyPrebuilt(folder, into, architecture);
  }
}

/** Of native modules the binaries of this architecture, for Debian's C library. */
function copyPrebuilt(folder: string, into: string, architecture: Architecture): void {
  const prebuilt = join(folder, 'prebuilds', `linux-${architecture}`);
  if (!existsSync(join(folder, 'prebuilds'))) return;
  const files = existsSync(prebuilt) ? readdirSync(prebuilt).filter((name) => !name.includes('musl')) : [];
  if (files.length === 0) throw new Error(`${folder} has no binary for linux-${architecture}`);
  for (const file of files) cpSync(join(prebuilt, file), join(into, prebuilt, file));
}
