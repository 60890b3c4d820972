/**
 * The cloud's end of the relay as a program of its own: counts what arrives, and how long live readings took. Forked
 * with a `ListenerPlan` as JSON. Asked anything it says what it has found since the last time;
 * asked `{upTo}` also how many of the numbers up to that one are missing, and from `{liveFrom}` on live readings count.
 */
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';
import type { RelayItem } from '../../src/model/relay.ts';
import { monotonicMs } from './monotonic.ts';

export interface Heard {
  /** Different numbers, since the begin. */
  readings: number;
  /** Numbers that came again, since the begin. */
  repeats: number;
  /** Of live readings, in milliseconds, since the last time. */
  latencies: number[];
  /** How many of these were no live readings, and when the first and the last of them came. */
  backlog: number;
  firstAt: number;
  lastAt: number;
  /** Of the numbers from 1 to the one that was asked for. */
  missing: number;
}

export interface ListenerPlan extends Record<'url' | 'ca' | 'cert' | 'key', string> {
  /** Of the client, and of whose certificate it is. */
  name: string;
  topic: string;
}

export interface ListenerQuestion {
  upTo?: number;
  /** Live readings count from this moment of the monotonic clock on: those of an outage went with the backlog. */
  liveFrom?: number;
}

const { url, ca, cert, key, name, topic } = JSON.parse(process.argv[2] ?? '') as ListenerPlan;
const NUMBERS_MAX = 8_000_000;
const seen = new Uint8Array(NUMBERS_MAX);
const heard: Heard = {
  readings: 0,
  repeats: 0,
  latencies: [],
  backlog: 0,
  firstAt: Number.NaN,
  lastAt: Number.NaN,
  missing: 0,
};

const client = await mqtt.connectAsync(url, {
  clientId: name,
  clean: false,
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
  reconnectPeriod: 200,
});
client.on('message', (_topic, payload) => {
  const now = monotonicMs();
  const parsed = JSON.parse(payload.toString()) as RelayItem | RelayItem[];
  for (const item of Array.isArray(parsed) ? parsed : [parsed]) {
    if (!('seq' in item)) continue;
    if (seen[item.seq]) heard.repeats += 1;
    else heard.readings += 1;
    const isNew = !seen[item.seq];
    seen[item.seq] = 1;
    // one that went with the backlog was live too when it was stored
    const sentAtMs = item.data['sentAtMs'];
    if (typeof sentAtMs === 'number') {
      if (isNew && sentAtMs >= liveFrom) heard.latencies.push(now - sentAtMs);
    } else if (isNew) {
      heard.backlog += 1;
      if (heard.backlog === 1) heard.firstAt = now;
      heard.lastAt = now;
    }
  }
});
client.on('error', () => undefined);
await client.subscribeAsync(topic, { qos: 1 });
let liveFrom = Number.POSITIVE_INFINITY;
process.on('message', (question: ListenerQuestion) => {
  const { upTo = 0 } = question;
  liveFrom = question.liveFrom ?? liveFrom;
  heard.missing = 0;
  for (let seq = 1; seq <= upTo; seq += 1) if (!seen[seq]) heard.missing += 1;
  process.send?.(heard);
  heard.latencies = [];
});
process.send?.({ listening: true });
