/**
 * Which process an add-on last ran as, kept in a file: a daemon that was killed leaves its add-ons behind, and one
 * that does not notice would go on holding a serial port. A process is recognised by its id, its start time and
 * the boot it started in; one that differs in any of them is a stranger and is left alone.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import * as v from 'valibot';
import { pause } from '../lib/deadline.ts';
import { type OnDamaged, readOrSetAside } from '../lib/set-aside.ts';

const recordSchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  startTime: v.string(),
  bootId: v.string(),
});
export type ProcessIdentity = v.InferOutput<typeof recordSchema>;

const POLL_MS = 100;
const KILL_MS = 2_000;

export class RunRecords {
  readonly #folder: string;
  readonly #onDamaged: OnDamaged;

  constructor(folder: string, onDamaged: OnDamaged) {
    this.#folder = folder;
    this.#onDamaged = onDamaged;
  }

  /** Notes a process that has just been started. Where the system cannot tell its start time nothing is noted. */
  async save(slug: string, pid: number): Promise<void> {
    const identity = await identify(pid);
    if (!identity) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFile(this.#path(slug), JSON.stringify(identity), { mode: 0o600 });
  }

  async remove(slug: string): Promise<void> {
    await rm(this.#path(slug), { recursive: true, force: true });
  }

  /** The recorded process if it still runs. One that is damaged is told, and counts as none. */
  async survivor(slug: string): Promise<ProcessIdentity | undefined> {
    const record = await readOrSetAside(this.#path(slug), recordSchema, this.#onDamaged);
    return record && (await isAlive(record)) ? record : undefined;
  }

  #path(slug: string): string {
    return join(this.#folder, `${slug}.json`);
  }
}

/**
 * Waits for a process to go by itself, then kills its group.
 * @returns how it went; `remains` when even that did not end it, or `signal` gave up the wait
 */
export async function awaitEnd(
  process: ProcessIdentity,
  waitMs: number,
  signal: AbortSignal,
): Promise<'left' | 'killed' | 'remains'> {
  if (await goneWithin(process, waitMs, signal)) return 'left';
  if (signal.aborted) return 'remains';
  killGroup(process.pid);
  return (await goneWithin(process, KILL_MS, signal)) ? 'killed' : 'remains';
}

/** Kills every process of the group that `pid` leads or led. */
export function killGroup(pid: number): void {
  try {
    kill(-pid, 'SIGKILL');
  } catch {
    // nobody of it is left
  }
}

async function goneWithin(process: ProcessIdentity, ms: number, signal: AbortSignal): Promise<boolean> {
  const polls = Math.ceil(ms / POLL_MS);
  for (let poll = 0; poll < polls && !signal.aborted; poll += 1) {
    if (!(await isAlive(process))) return true;
    await pause(Math.min(POLL_MS, ms), signal);
  }
  return !(await isAlive(process));
}

async function isAlive(process: ProcessIdentity): Promise<boolean> {
  const present = await identify(process.pid);
  return present?.startTime === process.startTime && present.bootId === process.bootId;
}

/** Undefined when there is no such process, it has ended already, or the system has no /proc. */
async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const [stat, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // proc_pid_stat(5): the name in brackets may hold anything; after it come state (3) … starttime (22)
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTime] = [fields[0], fields[19]];
    if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
    return { pid, startTime, bootId: bootId.trim() };
  } catch {
    return undefined;
  }
}
