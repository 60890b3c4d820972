/** How a daemon is at one moment of a soak, and how long it took for what was asked of it since the moment before. */
import { readdirSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { cpuSecondsOf, memoryOf } from '../bench/process-figures.ts';
import { quantile } from '../bench/quantiles.ts';
import type { FaultHouse } from './house.ts';
import { demand } from './scenario.ts';

/** Of files of journals, of threads and of connections that come and go. */
const HANDLES_SPARE = 12;
const FILES_SPARE = 6;
const RSS_SPARE_BYTES = 40 * 1024 * 1024;
/** Of medians: less than one more wait for a window, or a delayed TCP, takes. */
const STEADY = { slowerMax: 1.5, spareMs: 10 };
/** The same where others take the machine, as other scenarios do: far less than what grows for a day. */
const DISTURBED = { slowerMax: 10, spareMs: 100 };
/** Of all processors together. This scenario takes a tenth by itself. */
const OTHERS_MAX = 0.3;

export interface SoakFigures {
  rssBytes: number;
  handles: number;
  files: number;
  storeBytes: number;
  acknowledgedMs: number[];
  commandMs: number[];
  /** What of the processors was taken meanwhile by all but the daemon. */
  othersShare: number;
}

/** Processor time until a moment, in milliseconds. */
export interface ProcessorTime {
  all: number;
  busy: number;
  daemon: number;
}

export function processorTime({ daemon }: FaultHouse): ProcessorTime {
  const times = cpus().map((cpu) => cpu.times);
  const all = times.reduce((sum, each) => sum + each.user + each.nice + each.sys + each.irq + each.idle, 0);
  const idle = times.reduce((sum, each) => sum + each.idle, 0);
  return { all, busy: all - idle, daemon: cpuSecondsOf(daemon.process.pid ?? 0) * 1_000 };
}

/** `since`: when the moment before was. */
export function figuresOf(
  gateway: FaultHouse,
  since: ProcessorTime,
  { acknowledgedMs, commandMs }: { acknowledgedMs: number[]; commandMs: number[] },
): SoakFigures {
  const { pid } = gateway.daemon.process;
  const now = processorTime(gateway);
  const taken = now.busy - since.busy - (now.daemon - since.daemon);
  return {
    othersShare: Math.max(0, taken) / Math.max(1, now.all - since.all),
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
  const isDisturbed = Math.max(begin.othersShare, end.othersShare) > OTHERS_MAX;
  const { slowerMax, spareMs } = isDisturbed ? DISTURBED : STEADY;
  for (const key of ['acknowledgedMs', 'commandMs'] as const) {
    const [from, to] = [quantile(begin[key], 0.5), quantile(end[key], 0.5)];
    demand(to <= slowerMax * from + spareMs, `the median of ${key} has grown from ${from} to ${to} ms`);
  }
}

/** For the report, the beginning beside the end. */
export function words(begin: SoakFigures, end: SoakFigures): Record<string, string> {
  const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
  const times = (samples: number[]) =>
    `p50 ${quantile(samples, 0.5).toFixed(1)} p99 ${quantile(samples, 0.99).toFixed(1)}`;
  const percent = ({ othersShare }: SoakFigures) => `${Math.round(othersShare * 100)} %`;
  return {
    memory: `${mb(begin.rssBytes)} → ${mb(end.rssBytes)}`,
    handles: `${begin.handles} → ${end.handles}`,
    files: `${begin.files} → ${end.files}`,
    store: `${mb(begin.storeBytes)} → ${mb(end.storeBytes)}`,
    'a reading until its acknowledgement, ms': `${times(begin.acknowledgedMs)} → ${times(end.acknowledgedMs)}`,
    'processors taken by others': `${percent(begin)} → ${percent(end)}`,
    'a command, ms': `${times(begin.commandMs)} → ${times(end.commandMs)}`,
  };
}
