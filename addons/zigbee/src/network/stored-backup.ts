/**
 * The coordinator's backup as it lies on the disk. The library reads it at each start, whether it needs it or not, and
 * does not start on one that is damaged: so it is looked at before.
 */
import { readDurably, setAside } from './durable-file.ts';

interface Written {
  /** Of the format before: the library knows it too. */
  adapterType?: unknown;
  metadata?: { format?: unknown; version?: unknown };
  coordinator_ieee?: unknown;
  pan_id?: unknown;
  extended_pan_id?: unknown;
  network_key?: { key?: unknown };
  devices?: unknown;
}

/** @returns what was done about damage, for the log; undefined when the backup is whole or not there */
export function mendBackup(path: string): string | undefined {
  let done: string | undefined;
  const told = (message: string) => {
    done = message;
  };
  try {
    readDurably(path, demandWhole, told);
    return done;
  } catch (error) {
    const aside = setAside(path);
    return `${(error as Error).message}${aside === undefined ? '' : `: it was set aside as ${aside}`}; the next backup takes its place`;
  }
}

/** https://github.com/zigpy/open-coordinator-backup @throws Error, which has nothing of the content */
export function demandWhole(text: string): void {
  let written: Written;
  try {
    written = JSON.parse(text);
  } catch {
    // its own words would quote the content
    throw new Error('it is no JSON');
  }
  if (typeof written !== 'object' || written === null) throw new Error('it is no backup');
  if ('adapterType' in written) return;
  const { metadata, network_key: key, devices } = written;
  const isWhole =
    metadata?.format === 'zigpy/open-coordinator-backup' &&
    metadata.version === 1 &&
    isHex(written.coordinator_ieee, 16) &&
    isHex(written.extended_pan_id, 16) &&
    isHex(written.pan_id) &&
    isHex(key?.key, 32) &&
    Array.isArray(devices);
  if (!isWhole) throw new Error('it is no whole backup');
}

function isHex(value: unknown, digits?: number): boolean {
  return (
    typeof value === 'string' &&
    /^[\da-f]+$/i.test(value) &&
    (digits === undefined || value.length === digits)
  );
}
