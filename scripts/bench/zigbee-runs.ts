/** What is measured of one side of the Zigbee benchmark, while it runs on the stick. */
import { setTimeout as pause } from 'node:timers/promises';
import { memoryOf, proportionalMemoryOf } from './process-figures.ts';
import type { Channel, Scope } from './scope.ts';
import type { Heard, Question } from './zigbee-listener.ts';
import type { RunningSide } from './zigbee-side.ts';
import type { Flooded, Moment, Order } from './zigbee-stick.ts';

const TELL_EVERY_MS = 5;
/** Until the last report must have come. */
const TAIL_MS = 10_000;
const TAIL_POLL_MS = 50;
/** Between two commands, so that each finds everything at rest. */
const COMMAND_PAUSE_MS = 40;
const FIRST_REPORTS_PER_SECOND = 200;

export interface Memories {
  rss: number;
  pss: number;
}

/** The stick, the client and the side between them. */
export class Measured {
  readonly #stick: Channel;
  readonly #listener: Channel;
  readonly #side: RunningSide;

  private constructor(stick: Channel, listener: Channel, side: RunningSide) {
    this.#stick = stick;
    this.#listener = listener;
    this.#side = side;
  }

  static async of(scope: Scope, stick: Channel, side: RunningSide): Promise<Measured> {
    const listener = scope.fork('zigbee-listener.ts', side.listener);
    await listener.next();
    return new Measured(stick, listener, side);
  }

  /** Every sensor reports once, so that everything that a device needs is loaded. */
  async wake(): Promise<void> {
    const order: Order = { order: 'each', perSecond: FIRST_REPORTS_PER_SECOND };
    const { reports } = await this.#stick.ask<{ reports: number }>(order);
    await this.#heard(reports);
  }

  /** Of each process, after `restMs` without a report. */
  async memory(restMs: number): Promise<Map<string, Memories>> {
    await pause(restMs);
    const of = (pid: number) => ({ rss: memoryOf(pid).rss, pss: proportionalMemoryOf(pid) });
    return new Map([...this.#side.processes].map(([name, pid]) => [name, of(pid)]));
  }

  /** From the report of a device to the client, in milliseconds. @throws when one is lost */
  async latencies(perSecond: number, forMs: number): Promise<number[]> {
    const order: Order = { order: 'report', perSecond, forMs };
    const sent = await this.#stick.ask<Moment[]>(order);
    const heard = await this.#heard(sent.length);
    const key = (ieee: string, value: number) => `${ieee} ${value}`;
    const heardAtMs = new Map(
      heard.map(({ device, value, atMs }) => [key(this.#side.ieeeOf(device), value), atMs]),
    );
    return sent.map(({ ieee, value, atMs }) => {
      const there = heardAtMs.get(key(ieee, value));
      if (there === undefined) throw new Error(`a report of ${ieee} has not come: ${value / 100} °C`);
      return there - atMs;
    });
  }

  /** From the command of a client to the stick, which has it for the radio, in milliseconds. */
  async commands(bulbs: readonly string[], count: number): Promise<number[]> {
    await this.#stick.ask({ order: 'commands' } satisfies Order);
    const asked: { ieee: string; atMs: number }[] = [];
    for (let n = 0; n < count; n += 1) {
      const ieee = bulbs[n % bulbs.length] as string;
      const state = Math.floor(n / bulbs.length) % 2 === 0 ? 'ON' : 'OFF';
      asked.push({ ieee, atMs: await this.#side.command(ieee, state) });
      await pause(COMMAND_PAUSE_MS);
    }
    const received = await this.#stick.ask<Moment[]>({ order: 'commands' } satisfies Order);
    if (received.length !== count || received.some(({ ieee }, n) => ieee !== asked[n]?.ieee))
      throw new Error(`of ${count} commands ${received.length} came to the radio`);
    return received.map(({ atMs }, n) => atMs - (asked[n]?.atMs ?? 0));
  }

  /** @param waitingMax how far it may be ahead of what the client has @returns reports a second, from the first sent to the last received */
  async flood(total: number, waitingMax: number): Promise<number> {
    await this.#heard(0);
    const relay = (message: object) => {
      if ('received' in message) this.#stick.process.send(message);
    };
    this.#listener.process.on('message', relay);
    try {
      await this.#listener.ask<Heard>({ tellEveryMs: TELL_EVERY_MS } satisfies Question);
      const flood: Order = { order: 'flood', total, waitingMax };
      const { reports, beganMs } = await this.#stick.ask<Flooded>(flood);
      const heard = await this.#heard(reports);
      return (reports * 1_000) / ((heard.at(-1)?.atMs ?? Number.NaN) - beganMs);
    } finally {
      this.#listener.process.off('message', relay);
    }
  }

  async stop(): Promise<void> {
    this.#listener.process.kill();
    await this.#side.stop();
  }

  /** What the client has heard since the last time, when it is so many. @throws when it is not so many */
  async #heard(expected: number): Promise<Heard['moments']> {
    const all: Heard['moments'] = [];
    for (const endsMs = performance.now() + TAIL_MS; performance.now() < endsMs; await pause(TAIL_POLL_MS)) {
      all.push(...(await this.#asked({ tellEveryMs: 0 })));
      if (all.length >= expected) break;
    }
    if (all.length !== expected) throw new Error(`of ${expected} reports ${all.length} have come`);
    return all;
  }

  /** Its counts, which come unasked, are no answer. */
  async #asked(question: Question): Promise<Heard['moments']> {
    let answer = await this.#listener.ask<Partial<Heard>>(question);
    while (answer.moments === undefined) answer = await this.#listener.next<Partial<Heard>>();
    return answer.moments;
  }
}
