/**
 * Many socket.io clients in one process, each narrowed to one device. Forked with the gateway's address and the ids of
 * the devices. Says `{connected}` once, then answers every message with what each client has received.
 */
import { io } from 'socket.io-client';
import { monotonicMs } from './monotonic.ts';

/** Of one device's client. */
export interface Delivered {
  data: number;
  /** Time of the first and of the last reading, and how many did not follow the one before. */
  firstTs: number;
  lastTs: number;
  outOfOrder: number;
  /** Events of a device that it did not ask for. */
  foreign: number;
  disconnects: number;
}

export interface AllDelivered {
  clients: Record<string, Delivered>;
  /** Of stamped readings: when reported, and how long until received. */
  times: { sentAtMs: number; tookMs: number }[];
}

interface DataEvent {
  deviceId: string;
  ts: string;
  payload: { sentAtMs?: number };
}

const [, , url = '', ids = ''] = process.argv;
const all: AllDelivered = { clients: {}, times: [] };

function connect(id: string): Promise<void> {
  const delivered: Delivered = { data: 0, firstTs: 0, lastTs: 0, outOfOrder: 0, foreign: 0, disconnects: 0 };
  all.clients[id] = delivered;
  const options = { transports: ['websocket'], reconnection: false, forceNew: true };
  const socket = io(url, { ...options, query: { devices: id, events: 'data' } });
  socket.on('data', ({ deviceId, ts, payload }: DataEvent) => {
    const moment = Date.parse(ts);
    if (deviceId !== id) delivered.foreign += 1;
    if (delivered.data === 0) delivered.firstTs = moment;
    else if (moment !== delivered.lastTs + 1) delivered.outOfOrder += 1;
    delivered.lastTs = moment;
    delivered.data += 1;
    if (payload.sentAtMs !== undefined)
      all.times.push({ sentAtMs: payload.sentAtMs, tookMs: monotonicMs() - payload.sentAtMs });
  });
  socket.on('disconnect', () => {
    delivered.disconnects += 1;
  });
  return new Promise((resolve, reject) => {
    socket.on('connect', resolve);
    socket.on('connect_error', reject);
  });
}

process.on('message', () => process.send?.(all));
process.on('disconnect', () => process.exit(0));
await Promise.all(ids.split(',').map(connect));
process.send?.({ connected: true });
