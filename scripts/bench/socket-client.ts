/**
 * One socket.io client that takes everything: a process of its own, forked with the gateway's address. It counts the
 * events of each kind, checks that the readings of each device come in order, and keeps how long stamped ones took.
 * Says `{connected}` once, then answers every message with its figures.
 */
import { io } from 'socket.io-client';
import { monotonicMs } from './monotonic.ts';

export interface Received {
  /** `data`, `data_<deviceId>`, `<deviceId>`. */
  data: number;
  dataOfDevice: number;
  ofDevice: number;
  /** `data` events whose `ts` did not follow the one before of the same device. */
  outOfOrder: number;
  disconnects: number;
}

/** Of stamped readings: when reported and when received, on the monotonic clock. */
export type Times = { sentAtMs: number; receivedAtMs: number }[];

interface DataEvent {
  deviceId: string;
  ts: string;
  payload: { sentAtMs?: number };
}

const received: Received = { data: 0, dataOfDevice: 0, ofDevice: 0, outOfOrder: 0, disconnects: 0 };
const times: Times = [];
const lastTs = new Map<string, number>();

function take({ deviceId, ts, payload }: DataEvent): void {
  received.data += 1;
  const moment = Date.parse(ts);
  const last = lastTs.get(deviceId);
  if (last !== undefined && moment !== last + 1) received.outOfOrder += 1;
  lastTs.set(deviceId, moment);
  if (payload.sentAtMs !== undefined) times.push({ sentAtMs: payload.sentAtMs, receivedAtMs: monotonicMs() });
}

const socket = io(String(process.argv[2]), { transports: ['websocket'], reconnection: false });
socket.onAny((event: string, content: unknown) => {
  if (event === 'data') take(content as DataEvent);
  else if (event.startsWith('data_')) received.dataOfDevice += 1;
  else if ((content as { action?: string } | undefined)?.action === 'data') received.ofDevice += 1;
});
socket.on('connect', () => process.send?.({ connected: true }));
socket.on('disconnect', () => {
  received.disconnects += 1;
});
socket.on('connect_error', (error) => {
  console.error(`socket.io client: ${error.message}`);
  process.exit(1);
});

process.on('message', (question: { times?: boolean }) => {
  process.send?.(question.times ? times : received);
});
process.on('disconnect', () => process.exit(0));
