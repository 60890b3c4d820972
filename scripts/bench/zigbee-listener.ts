/**
 * The client that hears of readings, a process of its own: of socket.io (`gate URL`) or of MQTT (`zigbee2mqtt URL`).
 * Says `{connected}` once, then answers every `Question`; while it is asked to, it tells how many it has received.
 */
import { connect } from 'mqtt';
import { io } from 'socket.io-client';
import { monotonicMs } from './monotonic.ts';

export interface Question {
  /** Tells `{received}` every so often from now on; 0 ends it. Begins to count anew. */
  tellEveryMs?: number;
}

export interface Heard {
  /** Readings of a temperature since the last question. */
  moments: { device: string; value: number; atMs: number }[];
}

let moments: Heard['moments'] = [];
let received = 0;
let telling: NodeJS.Timeout | undefined;

function take(device: string, temperature: unknown): void {
  if (typeof temperature !== 'number') return;
  received += 1;
  moments.push({ device, value: Math.round(temperature * 100), atMs: monotonicMs() });
}

function listenToGate(url: string): void {
  const socket = io(url, { transports: ['websocket'], reconnection: false, query: { events: 'data' } });
  socket.on('data', ({ deviceId, payload }: { deviceId: string; payload: { temperature?: number } }) =>
    take(deviceId, payload.temperature),
  );
  socket.on('connect', () => process.send?.({ connected: true }));
  socket.on('connect_error', fail);
}

function listenToMqtt(url: string): void {
  const client = connect(url, { reconnectPeriod: 0 });
  client.on('message', (topic, payload) => {
    const { temperature } = JSON.parse(payload.toString()) as { temperature?: number };
    take(topic.slice(topic.lastIndexOf('/') + 1), temperature);
  });
  client.on('connect', () => client.subscribe('zigbee2mqtt/+', () => process.send?.({ connected: true })));
  client.on('error', fail);
}

function fail(error: Error): void {
  console.error(`the client of the benchmark: ${error.message}`);
  process.exit(1);
}

const [kind, url = ''] = process.argv.slice(2);
if (kind === 'gate') listenToGate(url);
else listenToMqtt(url);

process.on('message', ({ tellEveryMs }: Question) => {
  clearInterval(telling);
  if (tellEveryMs !== undefined) {
    received = 0;
    if (tellEveryMs > 0) telling = setInterval(() => process.send?.({ received }), tellEveryMs);
  }
  process.send?.({ moments } satisfies Heard);
  moments = [];
});
process.on('disconnect', () => process.exit(0));
