/**
 * The add-on of the benchmarks, on the real SDK: reports readings of its devices in turn, at a pace or as fast as they
 * are acknowledged. What to do comes as the protocol's parameters (`Job`); it begins when it has all its devices,
 * writes `begun.json` into its data folder, and `done.json` when every reading is acknowledged.
 *
 * `ts` counts up by one for each reading of a device, so that a missing or repeated one shows.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { type Addon, createAddon, type JsonObject } from '@gate/addon-sdk';
import { monotonicMs } from './monotonic.ts';
import { sampleReading } from './sample-reading.ts';

export interface Job {
  devices: number;
  /** 0: as fast as they are acknowledged. */
  readingsPerSecond: number;
  warmUpMs: number;
  measureMs: number;
  /** Puts the time of reporting into `data`, as `sentAtMs` of the monotonic clock. */
  stamped: boolean;
}

/** On the monotonic clock. */
export interface Begun {
  measureFromMs: number;
  measureToMs: number;
}

export interface Done {
  reported: number;
  acknowledged: number;
  /** The nth reading has `firstTs` and n divided by the number of devices. */
  firstTs: number;
  /** The devices in the order in which they report. */
  deviceIds: readonly string[];
  /** Acknowledged so far, at the start of the measured time and after each second of it. */
  samples: { atMs: number; acknowledged: number }[];
}

const SAMPLE_MS = 1_000;
const PACE_TICK_MS = 1;

class Reporter {
  readonly #addon: Addon;
  readonly #job: Job;
  readonly #deviceIds: readonly string[];
  readonly #firstTs = Date.now();
  readonly #begun: Begun;
  readonly #samples: Done['samples'] = [];
  #reported = 0;

  constructor(addon: Addon, job: Job, deviceIds: readonly string[]) {
    this.#addon = addon;
    this.#job = job;
    this.#deviceIds = deviceIds;
    const measureFromMs = monotonicMs() + job.warmUpMs;
    this.#begun = { measureFromMs, measureToMs: measureFromMs + job.measureMs };
  }

  async run(): Promise<void> {
    write('begun.json', this.#begun);
    this.#sampleAt(this.#begun.measureFromMs);
    await (this.#job.readingsPerSecond > 0 ? this.#paced() : this.#unpaced());
    await this.#addon.flush();
    const done: Done = {
      reported: this.#reported,
      acknowledged: this.#acknowledged,
      firstTs: this.#firstTs,
      deviceIds: this.#deviceIds,
      samples: this.#samples,
    };
    write('done.json', done);
  }

  get #acknowledged(): number {
    return this.#reported - this.#addon.unacknowledged;
  }

  /** A sample in time after the last one, until the measured time is over. */
  #sampleAt(atMs: number): void {
    setTimeout(() => {
      this.#samples.push({ atMs: monotonicMs(), acknowledged: this.#acknowledged });
      if (atMs + SAMPLE_MS <= this.#begun.measureToMs + 1) this.#sampleAt(atMs + SAMPLE_MS);
    }, atMs - monotonicMs());
  }

  async #unpaced(): Promise<void> {
    while (monotonicMs() < this.#begun.measureToMs + SAMPLE_MS) {
      await this.#addon.room();
      this.#report();
    }
  }

  #paced(): Promise<void> {
    const startedAtMs = monotonicMs();
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const nowMs = monotonicMs();
        const due = ((nowMs - startedAtMs) / 1_000) * this.#job.readingsPerSecond;
        while (this.#reported < due) this.#report();
        if (nowMs < this.#begun.measureToMs + SAMPLE_MS) return;
        clearInterval(timer);
        resolve();
      }, PACE_TICK_MS);
    });
  }

  #report(): void {
    const n = this.#reported;
    const deviceId = this.#deviceIds[n % this.#deviceIds.length] as string;
    const data: JsonObject = sampleReading(n);
    if (this.#job.stamped) data['sentAtMs'] = monotonicMs();
    this.#reported += 1;
    this.#addon.report(deviceId, data, { ts: this.#firstTs + Math.floor(n / this.#deviceIds.length) });
  }
}

/** Whole or not at all: it is read by another process. */
function write(name: string, content: Begun | Done): void {
  writeFileSync(`${name}.part`, JSON.stringify(content));
  renameSync(`${name}.part`, name);
}

let reporter: Reporter | undefined;

const addon = createAddon({
  version: '1.0.0',
  handlers: {
    configure({ parameters, devices }) {
      const job = parameters as unknown as Job;
      if (reporter || devices.length === 0 || devices.length < job.devices) return;
      reporter = new Reporter(
        addon,
        job,
        devices.map(({ id }) => id),
      );
      void reporter.run();
    },
    // a device that does at once what it is told
    set: () => ({}),
  },
});

await addon.run();
