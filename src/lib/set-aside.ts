/** Small files of JSON that gate writes for itself. One that is damaged is never taken for one that is not there. */
import { readFile, rename } from 'node:fs/promises';
import * as v from 'valibot';
import { damagedName } from './damaged-name.ts';

/** What lies there is no file of ours any more. Anything else, as too many open files, passes by itself. */
const DAMAGED = new Set(['EISDIR', 'EACCES', 'EPERM', 'EIO']);

/** Takes words for the log: which file cannot be read, and where it was set aside. */
export type OnDamaged = (words: string) => void;

/** Undefined where there is none; and where it is damaged, which is told: it is set aside beside its place. */
export async function readOrSetAside<S extends v.GenericSchema>(
  path: string,
  schema: S,
  onDamaged: OnDamaged,
): Promise<v.InferOutput<S> | undefined> {
  let reason = 'it is not what gate writes there';
  try {
    const text = await readFile(path, 'utf8');
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
    if (parsed.success) return parsed.output as v.InferOutput<S>;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    reason = message;
    if (!DAMAGED.has(code)) {
      onDamaged(`${path} cannot be read: ${reason}`);
      return undefined;
    }
  }
  const aside = damagedName(path, Date.now());
  await rename(path, aside).then(
    () => onDamaged(`${path} is damaged, and was set aside as ${aside}: ${reason}`),
    (error: Error) =>
      onDamaged(`${path} is damaged, and could not be set aside: ${reason}; ${error.message}`),
  );
  return undefined;
}
