/** A folder as one `.tar.gz`, whose bytes depend on the files, their names and `epochSeconds` alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

export interface ArchiveParts {
  /** Holds `name`, the one folder that the archive has at its top. */
  parent: string;
  name: string;
  file: string;
  epochSeconds: number;
  /** Of gzip; a release has 6. */
  level: number;
}

/** @throws Error when tar fails */
export async function writeArchive({ parent, name, file, epochSeconds, level }: ArchiveParts): Promise<void> {
  const tar = spawn(
    'tar',
    [
      '--create',
      '--format=posix',
      '--pax-option=delete=atime,delete=ctime',
      '--sort=name',
      `--mtime=@${epochSeconds}`,
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      // whatever the umask was here
      '--mode=u+rw,go-w,a+rX',
      `--directory=${parent}`,
      name,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LC_ALL: 'C' } },
  );
  const ended = once(tar, 'exit');
  await pipeline(tar.stdout, createGzip({ level }), createWriteStream(file));
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
}
