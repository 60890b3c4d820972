/**
 * The compiled daemon under load: the reporting add-on as its child, installed as a foreign one on the compiled SDK,
 * 20 devices made over the Unix socket, and one socket.io client that takes everything.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import ts from 'typescript';
import type { Daemon } from '../../test/support/daemon.ts';
import { addForeignAddon } from '../../test/support/foreign-addon.ts';
import { until } from '../../test/support/until.ts';
import { monotonicMs } from './monotonic.ts';
import { addonsOf, cpuSecondsOf } from './process-figures.ts';
import type { Begun, Done, Job } from './reporting-addon.ts';
import type { Channel, Scope } from './scope.ts';
import type { Received } from './socket-client.ts';

export const BENCH_SLUG = 'bench';
export const DEVICES = 20;
const SOURCES = ['reporting-addon', 'sample-reading', 'monotonic'];
const COMPILED: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2024,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};
const START_MS = 30_000;
/** How long the last readings may take to be acknowledged and received. */
const TAIL_MS = 30_000;

/** JavaScript beside its package, as an add-on is shipped: a process that strips types itself is larger. */
export function writeReportingAddon(folder: string): void {
  for (const name of SOURCES) {
    const source = readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8');
    const { outputText } = ts.transpileModule(source, { compilerOptions: COMPILED });
    writeFileSync(join(folder, `${name}.js`), outputText);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  mkdirSync(join(folder, 'node_modules/@gate'), { recursive: true });
  const sdk = resolve(import.meta.dirname, '../../dist/addons/sdk');
  symlinkSync(sdk, join(folder, 'node_modules/@gate/addon-sdk'), 'dir');
}

/** What a reporting add-on writes into its data folder. */
export class Reports {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  begun(): Promise<Begun> {
    return this.#read('begun.json', START_MS);
  }

  done(tailMs = TAIL_MS): Promise<Done> {
    return this.#read('done.json', tailMs);
  }

  /** What an earlier run has written. */
  forget(): void {
    for (const name of ['begun.json', 'done.json']) rmSync(join(this.#folder, name), { force: true });
  }

  #read<T>(name: string, deadlineMs: number): Promise<T> {
    const path = join(this.#folder, name);
    return until(
      `the add-on has written ${name}`,
      () => existsSync(path) && (JSON.parse(readFileSync(path, 'utf8')) as T),
      deadlineMs,
    );
  }
}

/** Waits for a moment of the monotonic clock. */
export const waitUntil = (atMs: number): Promise<void> => pause(Math.max(0, atMs - monotonicMs()));

/** Share of one core that each process uses in the measured time, waited for. */
export async function cpuDuring(
  { measureFromMs, measureToMs }: Begun,
  pids: readonly number[],
): Promise<number[]> {
  await waitUntil(measureFromMs);
  const before = pids.map(cpuSecondsOf);
  const startedAtMs = monotonicMs();
  await waitUntil(measureToMs);
  const seconds = (monotonicMs() - startedAtMs) / 1_000;
  return pids.map((pid, index) => (cpuSecondsOf(pid) - (before[index] as number)) / seconds);
}

export interface ReportingGateway {
  daemon: Daemon;
  addonPid: number;
  dataFolder: string;
  ids: string[];
  begun: Begun;
  reports: Reports;
}

export interface LoadedGateway extends ReportingGateway {
  client: Channel;
}

export interface ReportingOptions {
  environment?: Record<string, string>;
  /** Called when the daemon is up, before there is any device. */
  whenUp?: (daemon: Daemon) => Promise<void>;
}

/** Resolves when the add-on has begun to report. */
export async function startReportingGateway(
  scope: Scope,
  job: Job,
  { environment = {}, whenUp }: ReportingOptions = {},
): Promise<ReportingGateway> {
  const dataFolder = scope.folder();
  const program = `import './${SOURCES[0]}.js';\n`;
  const type = addForeignAddon(dataFolder, { slug: BENCH_SLUG, program });
  writeReportingAddon(join(dataFolder, 'addons', BENCH_SLUG));
  const daemon = scope.spawnDaemon(dataFolder, environment);
  await until('the daemon is up', () => daemon.log.some(({ msg }) => msg.startsWith('gate is up')), START_MS);
  const { api } = daemon;
  await api.send('POST', `/device/v1/protocols/${BENCH_SLUG}/installation`, { parameters: job });
  await whenUp?.(daemon);
  const ids: string[] = [];
  for (let n = 0; n < job.devices; n += 1) {
    const body = { name: `device ${n}`, type };
    ids.push((await api.send<{ id: string }>('POST', '/device/v1/devices', body)).id);
  }
  const reports = new Reports(join(dataFolder, 'addons-data', BENCH_SLUG));
  const begun = await reports.begun();
  const addonPid = addonsOf(daemon.process.pid ?? 0).get(BENCH_SLUG);
  if (addonPid === undefined) throw new Error('the reporting add-on is not a child of the daemon');
  return { daemon, addonPid, dataFolder, ids, begun, reports };
}

/** With one client that takes everything, from the first reading on. */
export async function startLoadedGateway(
  scope: Scope,
  job: Job,
  environment: Record<string, string> = {},
): Promise<LoadedGateway> {
  let client: Channel | undefined;
  const whenUp = async (daemon: Daemon) => {
    client = scope.fork('socket-client.ts', [daemon.url]);
    await client.next();
  };
  const gateway = await startReportingGateway(scope, job, { environment, whenUp });
  return { ...gateway, client: client as unknown as Channel };
}

/** What the client has received once it has all that was acknowledged, or no more comes. */
export async function receivedBy(client: Channel, expected: number): Promise<Received> {
  let received = await client.ask<Received>({});
  for (const endsAtMs = monotonicMs() + TAIL_MS; monotonicMs() < endsAtMs; ) {
    if (Math.min(received.data, received.dataOfDevice, received.ofDevice) >= expected) break;
    await pause(200);
    received = await client.ask<Received>({});
  }
  return received;
}
