/** A release as it is handed out: the archive, beside it its checksum, and the signature of that checksum. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { writeArchive } from './archive.ts';
import type { ReleaseFacts } from './release-tree.ts';

/** `gate-<version>-<os>-<arch>`: name of the archive without `.tar.gz`, and of the folder in it. */
export function releaseName({ version, architecture }: Pick<ReleaseFacts, 'version' | 'architecture'>) {
  return `gate-${version}-linux-${architecture}`;
}

/** @param folder sealed, and called as `releaseName` has it @param level of compression @returns path of the archive */
export async function writeReleaseFiles(
  folder: string,
  out: string,
  facts: ReleaseFacts,
  level = 6,
): Promise<string> {
  mkdirSync(out, { recursive: true });
  const name = basename(folder);
  const file = join(out, `${name}.tar.gz`);
  await writeArchive({ parent: dirname(folder), name, file, epochSeconds: facts.state.epochSeconds, level });
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  // as sha256sum prints and reads it; the signature holds for the name too
  const checksum = Buffer.from(`${hash.digest('hex')}  ${name}.tar.gz\n`);
  writeFileSync(`${file}.sha256`, checksum);
  writeFileSync(`${file}.sig`, facts.key.sign(checksum));
  return file;
}
