/** The same burst of writes through the two packages of npm that speak KNXnet/IP: what others would run instead. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Knxd } from '../../test/support/knxd.ts';
import type { Bench } from './benchmark.ts';
import { type Delivery, deliveryOf } from './knx-client.ts';
import { pinnedPackage } from './pinned-package.ts';

/** How long one is given in all, and how long after the last telegram that came. */
const ALL_MS = 120_000;
const QUIET_MS = 15_000;
const LOOK_EVERY_MS = 10;

export interface PackageBurst {
  name: string;
  delivery?: Delivery;
  /** From the first telegram on the bus to the last. */
  perSecond?: number;
  /** Why it was not measured. */
  trouble?: string;
}

export async function packageBursts(bench: Bench, total: number): Promise<PackageBurst[]> {
  const ultimate = pinnedPackage('knxultimate', '5.4.0');
  return [
    await burstThrough(bench, { name: 'knx 2.5.4', program: 'knx-package.ts', args: [], total }),
    ultimate.trouble === undefined
      ? await burstThrough(bench, {
          name: 'knxultimate 5.4.0',
          program: 'knxultimate-package.ts',
          args: [ultimate.folder],
          total,
        })
      : { name: 'knxultimate 5.4.0', trouble: ultimate.trouble },
  ];
}

async function burstThrough(
  bench: Bench,
  { name, program, args, total }: { name: string; program: string; args: string[]; total: number },
): Promise<PackageBurst> {
  bench.say(`the same through the package ${name}`);
  const knxd = await Knxd.start();
  try {
    const heard = await knxd.listen();
    const child = bench.scope.spawn([
      join(import.meta.dirname, program),
      ...args,
      String(knxd.port),
      String(total),
    ]);
    const beganMs = performance.now();
    let [firstMs, lastMs, count] = [beganMs, beganMs, 0];
    while (performance.now() < Math.min(beganMs + ALL_MS, lastMs + QUIET_MS)) {
      await pause(LOOK_EVERY_MS);
      if (heard.length === count) continue;
      lastMs = performance.now();
      if (count === 0) firstMs = lastMs;
      count = heard.length;
      if (deliveryOf(heard, total).delivered === total) break;
    }
    child.kill('SIGKILL');
    const delivery = deliveryOf(heard, total);
    const perSecond = lastMs > firstMs ? (delivery.delivered * 1_000) / (lastMs - firstMs) : 0;
    return { name, delivery, perSecond };
  } finally {
    await knxd.stop();
  }
}
