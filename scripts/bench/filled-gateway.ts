/** The built daemon on a store that is filled while no daemon runs: for what is asked of many readings. */

import type { Agent, OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Daemon } from '../../test/support/daemon.ts';
import { until } from '../../test/support/until.ts';
import type { Bench } from './benchmark.ts';
import type { Built, Plan } from './store-builder.ts';

/** Nothing is deleted. */
const SETTINGS = { RETENTION_MB: '1000000', RETENTION_DAYS: '3650' };
const BATCH = 5_000;

export interface Filled extends Built {
  /** Ids of its devices, which report nothing by themselves. */
  ids: string[];
}

export async function startDaemon({ scope }: Bench, dataFolder: string): Promise<Daemon> {
  const daemon = scope.spawnDaemon(dataFolder, SETTINGS);
  await until('the daemon is up', () => daemon.log.some(({ msg }) => msg.startsWith('gate is up')));
  return daemon;
}

export async function fillStore(
  bench: Bench,
  dataFolder: string,
  { devices, ...what }: { devices: number; readings: number; spreadMs?: number },
): Promise<Filled> {
  const daemon = await startDaemon(bench, dataFolder);
  const ids: string[] = [];
  for (let n = 0; n < devices; n += 1) {
    const body = { name: `device ${n}`, isVirtual: true };
    ids.push((await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', body)).id);
  }
  await daemon.stop();
  const plan: Plan = { file: join(dataFolder, 'gate.db'), ids, batch: BATCH, lastTs: Date.now(), ...what };
  const builder = bench.scope.fork('store-builder.ts', [JSON.stringify(plan)]);
  return { ids, ...(await builder.next<Built>()) };
}

export interface Timed {
  /** From the request to the last byte of its answer. */
  ms: number;
  body: string;
}

/** @throws when the answer is not 200 */
export function timedGet(agent: Agent, url: string, headers: OutgoingHttpHeaders = {}): Promise<Timed> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const outgoing = request(url, { agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const ms = performance.now() - startedAt;
        const body = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200) resolve({ ms, body });
        else reject(new Error(`${url} was answered ${answer.statusCode}: ${body}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
