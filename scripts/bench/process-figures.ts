/** What Linux tells of a process in /proc: memory, processor time, children. */
import { readFileSync } from 'node:fs';

export interface Memory {
  rss: number;
  anon: number;
  file: number;
}

/** Resident memory in bytes: private (anon) and mapped from files, among them the code of Node itself. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (key: string) => Number(status.match(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm'))?.[1]) * 1024;
  return { rss: bytes('VmRSS'), anon: bytes('RssAnon'), file: bytes('RssFile') };
}

/** Resident memory in bytes in which a page that several processes share counts as their fraction of it. */
export function proportionalMemoryOf(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(rollup.match(/^Pss:\s+(\d+) kB/m)?.[1]) * 1024;
}

/** Clock ticks a second in /proc, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Processor seconds used so far, all threads, user and system. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name in parentheses may hold anything; utime and stime are the 14th and 15th field
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The add-ons that a daemon runs, by slug. */
export function addonsOf(daemonPid: number): Map<string, number> {
  const children = readFileSync(`/proc/${daemonPid}/task/${daemonPid}/children`, 'utf8');
  const addons = new Map<string, number>();
  for (const pid of children.split(' ').filter(Boolean).map(Number)) {
    const slug = readFileSync(`/proc/${pid}/cmdline`, 'utf8').match(/\/addons\/([^/]+)\//)?.[1];
    if (slug !== undefined) addons.set(slug, pid);
  }
  return addons;
}
