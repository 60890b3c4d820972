/** The reporting add-on as it is, on the SDK, against a broker that is not gate's: what a broker alone makes of it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { addonTopics } from '../../src/contract/topics.ts';
import type { Bench } from './benchmark.ts';
import { BENCH_SLUG, cpuDuring, Reports, writeReportingAddon } from './loaded-gateway.ts';
import type { Done, Job } from './reporting-addon.ts';
import { ended } from './scope.ts';

/** A broker that saves all it has with each change takes minutes for the 1,000 readings that are under way. */
const SLOW_TAIL_MS = 300_000;

export interface OtherBroker {
  url: string;
  pid: number;
  /** Publishes what the add-on finds when it subscribes. */
  retain: (topic: string, payload: string) => Promise<unknown>;
}

export interface AloneRun {
  done: Done;
  cpu: { broker: number; addon: number };
}

export async function reportTo({ scope }: Bench, broker: OtherBroker, job: Job): Promise<AloneRun> {
  const folder = scope.folder();
  writeReportingAddon(folder);
  const dataFolder = join(folder, 'data');
  mkdirSync(dataFolder);
  const devices = Array.from({ length: job.devices }, (_, n) => ({
    id: `device-${n}`,
    type: null,
    parameters: {},
    address: null,
  }));
  await broker.retain(addonTopics(BENCH_SLUG).config, JSON.stringify({ parameters: job, devices }));
  const flags = ['--max-semi-space-size=1', '--max-old-space-size=128'];
  const addon = scope.spawn([...flags, join(folder, 'reporting-addon.js')], {
    cwd: dataFolder,
    env: {
      GATE_BROKER_URL: broker.url,
      GATE_ADDON: BENCH_SLUG,
      GATE_ADDON_TOKEN: 'none',
      GATE_DATA_FOLDER: dataFolder,
    },
  });
  const reports = new Reports(dataFolder);
  const [ofBroker, ofAddon] = await cpuDuring(await reports.begun(), [broker.pid, addon.pid ?? 0]);
  const done = await reports.done(SLOW_TAIL_MS);
  await ended(addon);
  return { done, cpu: { broker: ofBroker ?? 0, addon: ofAddon ?? 0 } };
}
