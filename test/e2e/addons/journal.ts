/**
 * An add-on that distrusts its gateway: over mqtt.js it sends numbered readings, writes down before each what it sends
 * and after each what was acknowledged, and when it is started again sends once more all that may not have arrived,
 * and the last of what did. `sent` and `acked` in its data folder tell in the end what must be in the store. Its
 * parameter `inFlight` says how many may be under way.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';

const {
  GATE_BROKER_URL = '',
  GATE_ADDON = '',
  GATE_ADDON_TOKEN = '',
  GATE_DATA_FOLDER = '.',
  GATE_STDIN_LIFELINE,
} = process.env;
const REPEATED = 50;
const base = `gate/addons/${GATE_ADDON}`;
const sentFile = join(GATE_DATA_FOLDER, 'sent');
const ackedFile = join(GATE_DATA_FOLDER, 'acked');
const IN_FLIGHT = 200;

interface Config {
  devices: { id: string }[];
  parameters: { inFlight?: number };
}

function numbers(path: string): number[] {
  if (!existsSync(path)) return [];
  // a torn last line was never sent
  return readFileSync(path, 'utf8').split('\n').slice(0, -1).map(Number);
}

const sent = numbers(sentFile);
const acked = new Set(numbers(ackedFile));
const again = [...sent.filter((n) => !acked.has(n)), ...[...acked].slice(-REPEATED)];
let next = (sent.at(-1) ?? -1) + 1;
let inFlight = 0;
let stopping = false;

const client = mqtt.connect(GATE_BROKER_URL, {
  clientId: GATE_ADDON,
  username: GATE_ADDON,
  password: GATE_ADDON_TOKEN,
  protocolVersion: 4,
  keepalive: 5,
  reconnectPeriod: 0,
});

function publish(deviceId: string, n: number): void {
  inFlight += 1;
  const payload = JSON.stringify({ id: `n${n}`, ts: Date.now(), data: { n } });
  client.publish(`${base}/devices/${deviceId}/data`, payload, { qos: 1 }, (error) => {
    inFlight -= 1;
    if (!error) appendFileSync(ackedFile, `${n}\n`);
  });
}

function pump(deviceId: string, inFlightMax: number): void {
  const news: number[] = [];
  while (inFlight + news.length < inFlightMax && !stopping)
    news.push(again.length > 0 ? (again.shift() as number) : next++);
  const first = news.filter((n) => n > (sent.at(-1) ?? -1));
  if (first.length > 0) appendFileSync(sentFile, first.map((n) => `${n}\n`).join(''));
  for (const n of first) sent.push(n);
  for (const n of news) publish(deviceId, n);
}

client.on('connect', () => {
  client.publish(`${base}/state`, JSON.stringify({ state: 'running', contract: 1, version: '1.0.0' }), {
    qos: 1,
    retain: true,
  });
  client.subscribe(`${base}/config`, { qos: 1 });
});
let isPumping = false;
client.on('message', (_topic, payload) => {
  const { devices, parameters } = JSON.parse(payload.toString()) as Config;
  const device = devices[0];
  if (!device || isPumping) return;
  isPumping = true;
  setInterval(() => pump(device.id, parameters.inFlight ?? IN_FLIGHT), 2);
});
const fail = (why: string) => {
  console.error(why);
  process.exit(1);
};
client.on('error', (error) => fail(`the broker: ${error.message}`));
client.on('close', () => fail('the connection to the broker has ended'));
// in a container there is nobody at the other end
if (GATE_STDIN_LIFELINE === '1') process.stdin.on('end', () => process.exit(0)).resume();
process.on('SIGTERM', () => {
  stopping = true;
  setInterval(() => inFlight === 0 && process.exit(0), 5);
});
