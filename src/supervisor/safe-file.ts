/** Small files that must survive a power cut. */
import { mkdir, open, rename } from 'node:fs/promises';

/** On disk whole or not at all. */
export async function writeSafely(folder: string, path: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const parent = await open(folder, 'r');
  await parent.sync().finally(() => parent.close());
}
