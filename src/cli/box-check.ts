/** What `gate doctor` finds on the box itself, whether the daemon runs or not: disk, memory, clock, files, sticks. */
import { X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { timesOf } from '../lib/certificate-times.ts';
import { nearlyFullBelow } from '../model/disk-room.ts';
import type { Box, Finding } from './finding.ts';
import { span } from './terminal.ts';

const DAY_MS = 86_400_000;
const MEMORY_MIN_BYTES = 64_000_000;
const EXPIRY_WARNING_MS = 30 * DAY_MS;
const STICKS = '/dev/serial/by-id';

export async function boxFindings({ dataFolder, configFolder }: Box): Promise<Finding[]> {
  return [
    ...folderFindings(dataFolder),
    ...clockFindings(dataFolder),
    ...memoryFindings(),
    ...certificateFindings(configFolder),
    ...stickFindings(),
    ...firstClientFindings(dataFolder),
  ];
}

function folderFindings(folder: string): Finding[] {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const next = 'run this as the user that runs gate, or name the folder with --data-folder';
    return [{ state: 'problem', what: `the data folder ${folder}: ${(error as Error).message}`, next }];
  }
  const { bavail, blocks, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const others = (statSync(folder).mode & 0o077) !== 0;
  return [
    free < nearlyFullBelow(blocks * bsize)
      ? {
          state: 'problem',
          what: `the disk with ${folder} has ${megabytes(free)} left`,
          next: 'make room, or lower RETENTION_MB',
        }
      : { state: 'ok', what: `the disk with ${folder} has ${megabytes(free)} left` },
    others
      ? {
          state: 'warning',
          what: `others may look into ${folder}`,
          next: `chmod 700 ${folder}`,
        }
      : { state: 'ok', what: `${folder} is for its own user alone` },
  ];
}

/** A box without a clock of its own begins in the past: then the files are newer than now. */
function clockFindings(folder: string): Finding[] {
  const store = join(folder, 'gate.db');
  if (!existsSync(store)) return [];
  const ahead = statSync(store).mtimeMs - Date.now();
  const now = new Date().toISOString();
  if (ahead < DAY_MS) return [{ state: 'ok', what: `the clock says ${now}` }];
  const what = `the clock says ${now}, but the store was written ${span(ahead)} later`;
  return [{ state: 'problem', what, next: 'set the clock: is a time server reached?' }];
}

function memoryFindings(): Finding[] {
  const text = existsSync('/proc/meminfo') ? readFileSync('/proc/meminfo', 'utf8') : '';
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  if (available === undefined) return [];
  const bytes = Number(available) * 1024;
  const what = `${megabytes(bytes)} of memory are free`;
  if (bytes >= MEMORY_MIN_BYTES) return [{ state: 'ok', what }];
  return [{ state: 'warning', what, next: 'stop what is not needed, or the system will end something' }];
}

function certificateFindings(folder: string): Finding[] {
  const path = join(folder, 'certificate.pem');
  if (!existsSync(path)) return [];
  try {
    const times = timesOf(new X509Certificate(readFileSync(path)));
    if (!times) throw new Error('it does not say until when it is valid');
    const left = times.expiresAt - Date.now();
    const next = 'get a new one from the cloud and put it in its place';
    if (left < 0)
      return [{ state: 'problem', what: `the certificate ${path} expired ${span(-left)} ago`, next }];
    const what = `the certificate ${path} is valid for another ${span(left)}`;
    return [left < EXPIRY_WARNING_MS ? { state: 'warning', what, next } : { state: 'ok', what }];
  } catch (error) {
    const what = `the certificate ${path} cannot be read: ${(error as Error).message}`;
    return [{ state: 'problem', what, next: 'put the file from the cloud in its place again' }];
  }
}

function stickFindings(): Finding[] {
  if (!existsSync(STICKS)) return [];
  return readdirSync(STICKS).map((name) => {
    const path = join(STICKS, name);
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      return { state: 'ok', what: `the serial stick ${path} can be opened` };
    } catch (error) {
      const what = `the serial stick ${path} cannot be opened: ${(error as Error).message}`;
      return { state: 'warning', what, next: 'add the user that runs gate to the group of the device' };
    }
  });
}

function firstClientFindings(folder: string): Finding[] {
  const path = join(folder, 'first-client.json');
  if (!existsSync(path)) return [];
  const what = `the first client has not logged in yet: its secret still lies in ${path}`;
  return [{ state: 'warning', what, next: 'log in with it, or revoke it with "gate clients revoke"' }];
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1_000_000)} MB`;
}
