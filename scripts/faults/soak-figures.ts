/** How a daemon is at one moment of a soak, and how long it took for what was asked of it since the moment before. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { memoryOf } from '../bench/process-figures.ts';
import { quantile } from '../bench/quantiles.ts';
import type { FaultHouse } from './house.ts';
import { demand } from './scenario.ts';

/** Of files of journals, of threads and of connections that come and go. */
const HANDLES_SPARE = 12;
const FILES_SPARE = 6;
const RSS_SPARE_BYTES = 80 * 1024 * 1024;
/** Far more than a busy machine brings about, far less than what grows for a day. */
const SLOWER_MAX = 10;
const SLOWER_SPARE_MS = 100;

export interface SoakFigures {
  rssBytes: number;
  handles: number;
  files: number;
  storeBytes: number;
  acknowledgedMs: number[];
  commandMs: number[];
}

export function figuresOf(
  gateway: FaultHouse,
  { acknowledgedMs, commandMs }: { acknowledgedMs: number[]; commandMs: number[] },
): SoakFigures {
  const { pid } = gateway.daemon.process;
  return {
    rssBytes: memoryOf(pid ?? 0).rss,
    handles: readdirSync(`/proc/${pid}/fd`).length,
    files: readdirSync(gateway.folder, { recursive: true }).length,
    storeBytes: statSync(join(gateway.folder, 'gate.db')).size,
    acknowledgedMs,
    commandMs,
  };
}

/** @throws FaultFound where something has grown that must not */
export function demandSteady(begin: SoakFigures, end: SoakFigures): void {
  const grown = (what: string, from: number, to: number, spare: number) =>
    demand(to <= from + spare, `${what} have grown from ${from} to ${to}`);
  grown('handles', begin.handles, end.handles, HANDLES_SPARE);
  grown('files', begin.files, end.files, FILES_SPARE);
  grown('bytes of memory', begin.rssBytes, end.rssBytes, RSS_SPARE_BYTES);
  for (const key of ['acknowledgedMs', 'commandMs'] as const) {
    const [from, to] = [quantile(begin[key], 0.5), quantile(end[key], 0.5)];
    demand(
      to <= SLOWER_MAX * from + SLOWER_SPARE_MS,
      `the median of ${key} has grown from ${from} to ${to} ms`,
    );
  }
}

/** For the report, the beginning beside the end. */
export function words(begin: SoakFigures, end: SoakFigures): Record<string, string> {
  const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
  const times = (samples: number[]) =>
    `p50 ${quantile(samples, 0.5).toFixed(1)} p99 ${quantile(samples, 0.99).toFixed(1)}`;
  return {
    memory: `${mb(begin.rssBytes)} → ${mb(end.rssBytes)}`,
    handles: `${begin.handles} → ${end.handles}`,
    files: `${begin.files} → ${end.files}`,
    store: `${mb(begin.storeBytes)} → ${mb(end.storeBytes)}`,
    'a reading until its acknowledgement, ms': `${times(begin.acknowledgedMs)} → ${times(end.acknowledgedMs)}`,
    'a command, ms': `${times(begin.commandMs)} → ${times(end.commandMs)}`,
  };
}
