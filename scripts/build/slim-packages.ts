/**
 * Packages that an add-on loads file by file, as copies that take less memory: V8 keeps the source of what it has
 * loaded, in two bytes for each character where one of them is no Latin-1. White space and comments go, other
 * characters are written in ASCII; names stay as they are, for stack traces.
 */
import { cpSync, existsSync, globSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transformSync } from 'esbuild';

/** 14 MB of source, of which each box loads a part. */
export const SLIMMED: readonly string[] = [
  'node_modules/zigbee-herdsman',
  'node_modules/zigbee-herdsman-converters',
];

/** For who develops with the package: never loaded. */
const LEFT_OUT = /(\.map|\.d\.[cm]?ts|\.tsbuildinfo|[\\/]CHANGELOG\.md)$|[\\/]node_modules([\\/]|$)/;
/** So that a stack trace shows a line, and not the whole file. */
const LINE_CHARS = 200;

/** Copies the package in `folder` below `into`, where it is found first. Those inside it are linked: they are copied apart. */
export function slimPackage(folder: string, into: string): void {
  const copy = join(into, folder);
  cpSync(folder, copy, { recursive: true, filter: (path) => !LEFT_OUT.test(path.slice(folder.length)) });
  for (const file of globSync(join(copy, '**/*.js'))) {
    const { code } = transformSync(readFileSync(file, 'utf8'), {
      target: 'node24',
      minifyWhitespace: true,
      minifySyntax: true,
      charset: 'ascii',
      legalComments: 'none',
      lineLimit: LINE_CHARS,
    });
    writeFileSync(file, code);
  }
  const inner = join(folder, 'node_modules');
  const link = join(into, inner);
  if (existsSync(inner)) symlinkSync(relative(dirname(link), inner), link, 'dir');
}

/** For copying what was built: all but the links that `slimPackage` has made. */
export function isNoInnerLink(path: string, built: string): boolean {
  return SLIMMED.every((folder) => path !== join(built, folder, 'node_modules'));
}
