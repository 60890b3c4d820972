/**
 * Which run of this box it is, and for how long it has run: time that nobody can set, and that goes on while the box
 * sleeps. The wall clock less that time is a number that changes only when somebody sets the clock.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Another one after each start of the kernel; random(4). */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** Where the system does not tell, each start of the program counts as one of its own. */
export function readBootId(path: string = BOOT_ID_FILE): string {
  try {
    return readFileSync(path, 'ascii').trim() || randomUUID();
  } catch {
    return randomUUID();
  }
}

/** Milliseconds since the box was started, in steps of 10 (`CLOCK_BOOTTIME`, proc_uptime(5)). */
export function bootTimeMs(): number {
  return Math.round(uptime() * 1_000);
}
