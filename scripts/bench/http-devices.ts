/**
 * Many simulated HTTP devices in one process: each has an address of its own in 127.0.0.0/8 and the same port, answers
 * like a plug with a meter, and keeps when it was asked. `node http-devices.ts`, forked; questions come as messages.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monotonicMs } from './monotonic.ts';

/** `port` begins, `window` starts to count anew, `gaps` asks what there was since. */
export type Question = { ask: 'port' } | { ask: 'window' } | { ask: 'gaps' };
export interface Gaps {
  /** Milliseconds between two polls of one device, all devices together. */
  gaps: number[];
  polls: number;
  /** Devices that were asked at all. */
  devices: number;
}

const BODY = JSON.stringify({
  wifi_sta: { connected: true, ssid: 'home', ip: '192.168.33.1', rssi: -61 },
  cloud: { enabled: false, connected: false },
  mqtt: { connected: false },
  time: '12:00',
  unixtime: 1_763_762_400,
  serial: 1,
  has_update: false,
  mac: '7C87CEB4A1F0',
  relays: [
    { ison: true, has_timer: false, timer_started: 0, timer_duration: 0, timer_remaining: 0, source: 'http' },
  ],
  meters: [
    {
      power: 61.2,
      overpower: 0,
      is_valid: true,
      timestamp: 1_763_762_400,
      counters: [60.1, 60.4, 61],
      total: 8_123,
    },
  ],
  temperature: 31.4,
  overtemperature: false,
  tmp: { tC: 31.4, tF: 88.5, is_valid: true },
  update: {
    status: 'idle',
    has_update: false,
    new_version: '',
    old_version: '20230913-112531/v1.14.0-gcb84623',
  },
  ram_total: 52_064,
  ram_free: 38_224,
  fs_size: 233_681,
  fs_free: 166_162,
  uptime: 86_400,
});

const lastMs = new Map<string, number>();
let gaps: number[] = [];
let polls = 0;
let asked = new Set<string>();

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const device = request.socket.localAddress ?? '';
  if (request.url === '/status') {
    const now = monotonicMs();
    const last = lastMs.get(device);
    if (last !== undefined) gaps.push(now - last);
    lastMs.set(device, now);
    asked.add(device);
    polls += 1;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(BODY);
});
server.listen(0, '0.0.0.0');
await once(server, 'listening');

process.on('message', ({ ask }: Question) => {
  if (ask === 'window') {
    gaps = [];
    polls = 0;
    asked = new Set();
  }
  if (ask === 'port') process.send?.({ port: (server.address() as AddressInfo).port });
  else process.send?.({ gaps, polls, devices: asked.size } satisfies Gaps);
});
