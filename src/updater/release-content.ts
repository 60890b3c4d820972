/** What a folder holds: files and links by their path in it. Links are not followed. */
import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface ReleaseContent {
  /** Path → SHA-256 in hexadecimal digits. */
  files: Record<string, string>;
  /** Path → where it leads. */
  links: Record<string, string>;
}

/** In the order of their names. Whatever is neither file, link nor folder is listed as a file without a checksum. */
export async function contentOf(folder: string): Promise<ReleaseContent> {
  const content: ReleaseContent = { files: {}, links: {} };
  await gather(folder, '', content);
  return content;
}

async function gather(folder: string, below: string, content: ReleaseContent): Promise<void> {
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    const whole = join(folder, path);
    const found = lstatSync(whole);
    if (found.isDirectory()) await gather(folder, path, content);
    else if (found.isSymbolicLink()) content.links[path] = readlinkSync(whole);
    else content.files[path] = found.isFile() ? await sha256Of(whole) : '';
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
