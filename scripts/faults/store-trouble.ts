/** A disk that takes nothing, as the gateway tells of it, and how it comes back. */
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import type { FaultHouse } from './house.ts';
import { demand } from './scenario.ts';
import type { Witness } from './witness.ts';

/** Commits are tried again within 15 s. */
const RECOVERS_MS = 40_000;

interface Troubled {
  gateway: FaultHouse;
  witness: Witness;
}

interface Health {
  parts: Record<string, { state: string; reason?: string }>;
}

/** Health says it, in words, and so does a notification. */
export async function toldOf({ gateway: { api } }: Troubled, words: RegExp): Promise<void> {
  await until(
    `health says ${words} of the store`,
    async () => {
      const { body } = await api.call<Health>('GET', '/health/ready');
      const { state, reason = '' } = body.parts['store'] ?? {};
      return state === 'failed' && words.test(reason);
    },
    RECOVERS_MS,
  );
  const path = '/history/notifications/history?subject=store_trouble';
  await until('there is a notification', async () => {
    const { notifications } = await api.get<{ notifications: unknown[] }>(path);
    return notifications.length > 0;
  });
}

/** By itself, within the pause between two tries. */
export async function recovered({ gateway: { api }, witness }: Troubled): Promise<void> {
  const before = witness.acked.size;
  await until('readings are acknowledged again', () => witness.acked.size > before, RECOVERS_MS);
  await until('health is well again', async () => {
    const { body } = await api.call<Health>('GET', '/health/ready');
    return body.parts['store']?.state === 'running';
  });
}

/** Never where it ends before that. */
export async function up(daemon: FaultHouse['daemon']): Promise<'up'> {
  let isOver = false;
  void daemon.exited.then(() => {
    isOver = true;
  });
  while (!isOver) {
    if (daemon.log.some(({ msg }) => msg.startsWith('gate is up'))) return 'up';
    await pause(10);
  }
  return new Promise<never>(() => undefined);
}

/** One line that says what to do about the disk. */
export function demandWords(errors: string): void {
  demand(
    errors.startsWith('gate: ') &&
      !/\n {4}at /.test(errors) &&
      /full|no space|room|read-only|written|open files/i.test(errors),
    `it ended without proper words: ${errors}`,
  );
}
