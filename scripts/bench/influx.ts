/** InfluxDB 1.6 from Debian, on free ports of the loopback and in a folder of its own: the same readings beside ours. */

import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { freePort } from '../peers/free-port.ts';
import { programPath } from '../peers/peers.ts';
import type { HouseReading } from './house.ts';
import { cpuSecondsOf, memoryOf } from './process-figures.ts';
import type { Scope } from './scope.ts';

/** Readings in a request, while a store is filled. */
const FILLING = 5_000;
const DATABASE = 'bench';
/** So little processor time in a second counts as idle: its compactions are over. */
const IDLE_CPU_S = 0.05;
const IDLE_SECONDS = 3;
const SETTLE_MS = 90_000;

const configuration = (folder: string, httpPort: number, rpcPort: number) => `
reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${join(folder, 'meta')}"
[data]
  dir = "${join(folder, 'data')}"
  wal-dir = "${join(folder, 'wal')}"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
`;

export class Influx {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  static async start(scope: Scope): Promise<Influx> {
    const path = programPath('influxd');
    if (path === undefined) throw new Error('influxd is not installed: node scripts/peers.ts influxdb');
    const folder = scope.folder();
    const [httpPort, rpcPort] = [await freePort(), await freePort()];
    const file = join(folder, 'influxdb.conf');
    writeFileSync(file, configuration(folder, httpPort, rpcPort));
    const influx = new Influx(scope.program(path, ['-config', file]), `http://127.0.0.1:${httpPort}`);
    await until('InfluxDB answers', async () => (await influx.#send('GET', '/ping')) !== undefined);
    await influx.#send('POST', `/query?q=${encodeURIComponent(`CREATE DATABASE ${DATABASE}`)}`);
    return influx;
  }

  /** One measurement, tagged with the device; each value of a reading is a field. */
  async fill(readings: Iterator<HouseReading>, ids: readonly string[], batch = FILLING): Promise<void> {
    for (;;) {
      const lines: string[] = [];
      while (lines.length < batch) {
        const { done, value } = readings.next();
        if (done) break;
        lines.push(lineOf(value, ids[value.device] as string));
      }
      if (lines.length === 0) return;
      await this.#send('POST', `/write?db=${DATABASE}&precision=ms`, lines.join('\n'));
    }
  }

  /** Waits until it has nothing more to do by itself, or a minute and a half. */
  async settled(): Promise<void> {
    const endsAt = performance.now() + SETTLE_MS;
    for (let idle = 0; idle < IDLE_SECONDS && performance.now() < endsAt; ) {
      const before = cpuSecondsOf(this.#process.pid ?? 0);
      await pause(1_000);
      idle = cpuSecondsOf(this.#process.pid ?? 0) - before <= IDLE_CPU_S ? idle + 1 : 0;
    }
  }

  queryUrl(query: string): string {
    return `${this.url}/query?db=${DATABASE}&epoch=ms&q=${encodeURIComponent(query)}`;
  }

  get rss(): number {
    return memoryOf(this.#process.pid ?? 0).rss;
  }

  stop(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request(this.url + path, { method, agent: this.#agent }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => {
          if ((answer.statusCode ?? 500) < 300) resolve(text);
          else reject(new Error(`InfluxDB answered ${answer.statusCode} to ${method} ${path}: ${text}`));
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

/** https://docs.influxdata.com/influxdb/v1.6/write_protocols/line_protocol_reference/ */
function lineOf({ ts, data }: HouseReading, id: string): string {
  const fields = Object.entries(data).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `reading,device=${id} ${fields.join(',')} ${ts}`;
}
