/**
 * The simulated stick with its devices, a process of its own. Forked with the port and the number of devices; says
 * `Placed` once, then answers each `Order`. `{received}` is told to it while it floods, and has no answer.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ColourBulb } from '../../test/simulators/zigbee/devices/colour-bulb.ts';
import { TemperatureSensor } from '../../test/simulators/zigbee/devices/temperature-sensor.ts';
import { populate, writeDatabase } from '../../test/simulators/zigbee/population.ts';
import { SimulatedRadio } from '../../test/simulators/zigbee/radio.ts';
import { monotonicMs } from './monotonic.ts';
import { networkOnStick } from './zigbee-network.ts';

export interface Placed {
  /** IEEE addresses. */
  devices: string[];
  sensors: string[];
  bulbs: string[];
}

export type Order =
  /** The library's database of these devices; `meta` of each entry. */
  | { order: 'database'; file: string; meta: Record<string, unknown> }
  /** Whether devices on batteries answer at once, as just after their button was pressed. */
  | { order: 'awake'; awake: boolean }
  /** Every sensor reports once. */
  | { order: 'each'; perSecond: number }
  /** Reports at random moments, so many a second. */
  | { order: 'report'; perSecond: number; forMs: number }
  /** Reports as fast as they are received, never more than `waitingMax` ahead. */
  | { order: 'flood'; total: number; waitingMax: number }
  /** Commands that bulbs have had since the last time. */
  | { order: 'commands' };

/** Of one report or one command, on the monotonic clock. */
export interface Moment {
  ieee: string;
  /** Of a report: hundredths of a degree, by which it is recognised. */
  value: number;
  atMs: number;
}

export interface Flooded {
  reports: number;
  beganMs: number;
}

/** Hundredths of a degree, all of them in what the model's converter takes for true. */
const VALUES = 9_999;
const ON_OFF = 0x0006;
/** Reports of one turn in a flood. */
const FLOOD_STEP = 50;
const AWAKE_POLL_MS = 0;

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const radio = await SimulatedRadio.start({ port, capacity: count, network: networkOnStick() });
const devices = populate(radio, { count });
const sensors = devices.filter((device) => device instanceof TemperatureSensor);
const bulbs = devices.filter((device) => device instanceof ColourBulb);
const pollMs = new Map(devices.map((device) => [device, device.pollMs]));
const commands: Moment[] = [];
let reported = 0;
let received = 0;

for (const bulb of bulbs) {
  const receive = bulb.receive.bind(bulb);
  bulb.receive = (packet) => {
    if (packet.clusterId === ON_OFF) commands.push({ ieee: bulb.ieee, value: 0, atMs: monotonicMs() });
    receive(packet);
  };
}

/** The sensors in turn, each with values of its own that never come twice in a row. */
function reportNext(): Moment {
  const sensor = sensors[reported % sensors.length] as TemperatureSensor;
  const value = 1 + (Math.floor(reported / sensors.length) % VALUES);
  reported += 1;
  const moment = { ieee: sensor.ieee, value, atMs: monotonicMs() };
  sensor.report({ temperature: value / 100 });
  return moment;
}

async function report(perSecond: number, forMs: number): Promise<Moment[]> {
  const sent: Moment[] = [];
  const endsMs = monotonicMs() + forMs;
  let dueMs = monotonicMs();
  for (;;) {
    // what comes at random moments has gaps that are distributed exponentially
    dueMs += (-Math.log(1 - Math.random()) * 1_000) / perSecond;
    if (dueMs > endsMs) return sent;
    const waitMs = dueMs - monotonicMs();
    if (waitMs > 0) await pause(waitMs);
    sent.push(reportNext());
  }
}

async function each(perSecond: number): Promise<number> {
  for (const _ of sensors) {
    reportNext();
    await pause(1_000 / perSecond);
  }
  return sensors.length;
}

async function flood(total: number, waitingMax: number): Promise<Flooded> {
  received = 0;
  const beganMs = monotonicMs();
  for (let sent = 0; sent < total; ) {
    const step = Math.min(FLOOD_STEP, total - sent, waitingMax - (sent - received));
    for (let n = 0; n < step; n += 1) reportNext();
    sent += Math.max(0, step);
    await (step > 0 ? new Promise(setImmediate) : pause(1));
  }
  return { reports: total, beganMs };
}

async function answer(order: Order): Promise<unknown> {
  switch (order.order) {
    case 'database':
      writeDatabase(order.file, radio, { meta: () => order.meta });
      return {};
    case 'awake':
      for (const device of devices)
        device.pollMs = order.awake ? AWAKE_POLL_MS : (pollMs.get(device) ?? device.pollMs);
      return {};
    case 'each':
      return { reports: await each(order.perSecond) };
    case 'report':
      return report(order.perSecond, order.forMs);
    case 'flood':
      return flood(order.total, order.waitingMax);
    case 'commands':
      return commands.splice(0);
  }
}

process.on('message', async (message: Order | { received: number }) => {
  if ('received' in message) received = message.received;
  else process.send?.(await answer(message));
});
process.on('disconnect', () => process.exit(0));
const ieeeOf = ({ ieee }: { ieee: string }) => ieee;
const placed: Placed = {
  devices: devices.map(ieeeOf),
  sensors: sensors.map(ieeeOf),
  bulbs: bulbs.map(ieeeOf),
};
process.send?.(placed);
