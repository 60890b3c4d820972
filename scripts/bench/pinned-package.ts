/**
 * A package of one version that is measured beside ours and has no place in the lock: what it brings (54 packages in
 * one case) would have to be followed for years. Kept in a cache folder, so that it is fetched once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/gate-bench');
const INSTALL_MS = 180_000;

/** The folder from which `name` can be required; `trouble` where it could not be had. None of its scripts is run. */
export function pinnedPackage(name: string, version: string): { folder: string; trouble?: string } {
  const folder = join(CACHE, `${name}-${version}`);
  const done = join(folder, 'installed');
  if (existsSync(done)) return { folder };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  const { status, stderr, error } = spawnSync('npm', ['install', ...options, `${name}@${version}`], {
    cwd: folder,
    timeout: INSTALL_MS,
    encoding: 'utf8',
  });
  if (status === 0) {
    writeFileSync(done, '');
    return { folder };
  }
  const words = error?.message ?? stderr?.trim().split('\n').at(-1);
  return { folder, trouble: `not measured: npm could not install it (${words || status})` };
}
