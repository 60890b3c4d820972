/** What a backup says of itself, in `backup.json`: the first thing that a restore looks at. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';

export const MANIFEST_NAME = 'backup.json';
/** A restore refuses a backup of a later format. */
export const BACKUP_FORMAT = 1;

const sealedFile = v.object({
  /** Below the backup's root, with `/` between folders. */
  path: v.pipe(v.string(), v.regex(/^(data|config)\/(?!.*(^|\/)\.{1,2}(\/|$)).+$/)),
  bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type SealedFile = v.InferOutput<typeof sealedFile>;

export const backupManifest = v.object({
  format: v.literal(BACKUP_FORMAT),
  /** Of the gate that made it. */
  version: v.string(),
  /** Of the store's schema. */
  storeVersion: v.pipe(v.number(), v.integer()),
  /** Milliseconds since 1970. */
  takenAt: v.number(),
  /** The readings are in it. */
  readings: v.boolean(),
  files: v.array(sealedFile),
});
export type BackupManifest = v.InferOutput<typeof backupManifest>;

/** The files below a folder, with their sums, in the order of their paths. @throws GatewayError badRequest for anything but files */
export async function sealedFiles(root: string, below = ''): Promise<SealedFile[]> {
  const files: SealedFile[] = [];
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    if (path === MANIFEST_NAME) continue;
    const stat = await lstat(join(root, path));
    if (stat.isDirectory()) files.push(...(await sealedFiles(root, path)));
    else if (stat.isFile()) files.push({ path, bytes: stat.size, sha256: await sumOf(join(root, path)) });
    else throw new GatewayError('badRequest', `the backup holds ${path}, which is no file`);
  }
  return files;
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
