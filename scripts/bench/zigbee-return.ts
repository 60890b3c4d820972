/** How soon the network is at work again when its stick is back: pulled out and plugged in, at any moment. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from './benchmark.ts';
import { monotonicMs } from './monotonic.ts';
import { ended } from './scope.ts';
import type { GateSide } from './zigbee-gate.ts';
import type { Placed } from './zigbee-stick.ts';

/** The stick is away for up to so long: attempts are at most 3 s apart, and it must not come back at the same one. */
const AWAY_MAX_MS = 8_000;

/** @returns for each return the milliseconds from the open port until health shows the add-on as running */
export async function measureReturns(
  bench: Bench,
  { side, port, devices }: { side: GateSide; port: number; devices: number },
): Promise<number[]> {
  const returns = bench.short ? 4 : 12;
  const plugIn = async () => {
    const stick = bench.scope.fork('zigbee-stick.ts', [String(port), String(devices)]);
    await stick.next<Placed>();
    return stick;
  };
  let stick = await plugIn();
  const running = await side.start();
  const times: number[] = [];
  for (let n = 0; n < returns; n += 1) {
    bench.say(`the stick is pulled out, ${n + 1} of ${returns}`);
    await ended(stick.process);
    await running.until('degraded');
    await pause((AWAY_MAX_MS * (n + Math.random())) / returns);
    stick = await plugIn();
    const backMs = monotonicMs();
    await running.until('running');
    times.push(monotonicMs() - backMs);
  }
  await running.stop();
  await ended(stick.process);
  return times;
}
