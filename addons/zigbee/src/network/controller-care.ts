/** What the library does not do for its controller: ask whether the stick is still there, and leave nothing open. */
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import type { AddonLog } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { flushDatabase } from './device-database.ts';

/** Between two questions whether the coordinator is still there, and how many it may leave unanswered. */
const HEARTBEAT_MS = 10_000;
const MISSED_MAX = 2;
/** How long an answer may take. */
const HEARTBEAT_DEADLINE_MS = 4_000;
/** Closing a coordinator that does not answer is not waited for longer. */
const CLOSE_DEADLINE_MS = 1_500;

interface AskedAdapter {
  getCoordinatorIEEE(): Promise<string>;
  /** Z-Stack's own. */
  znp?: { request(subsystem: number, command: string, payload: object): Promise<unknown> };
  /** EmberZNet's own. */
  ezsp?: { ezspNop(): Promise<void> };
}
/** Subsystem of "Z-Stack Monitor and Test API". */
const SYS = 1;

/** Resolves when the coordinator has left several questions unanswered, and when nobody watches it any more. */
export async function untilMute(controller: Controller, signal: AbortSignal): Promise<void> {
  let missed = 0;
  while (missed < MISSED_MAX) {
    await pause(HEARTBEAT_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    missed = (await answers(controller)) ? 0 : missed + 1;
  }
}

/**
 * Asks the stick itself, not what the library remembers of it, and past the queue of what is for devices: one that does not
 * answer holds that up for longer than a stick may take.
 */
async function answers(controller: Controller): Promise<boolean> {
  const { adapter } = controller as unknown as { adapter: AskedAdapter };
  const question =
    adapter.znp?.request(SYS, 'ping', { capabilities: 1 }) ??
    adapter.ezsp?.ezspNop() ??
    adapter.getCoordinatorIEEE();
  return Promise.race([
    question.then(
      () => true,
      // while it looks for devices by Touchlink it refuses other work: that is an answer too
      (error: Error) => /inter-?pan/i.test(error.message),
    ),
    pause(HEARTBEAT_DEADLINE_MS, false, { ref: false }),
  ]);
}

/** Also after a start that failed: the socket would stay open, and the next start find the devices of this one. */
export async function closeController(controller: Controller, log: AddonLog): Promise<void> {
  const require = createRequire(import.meta.url);
  const { Device, Group } = require('zigbee-herdsman/dist/controller/model/index.js');
  const inner = controller as unknown as {
    adapter?: { removeAllListeners(): void; stop(): Promise<void> };
    touchlink?: unknown;
    backupTimer?: unknown;
    databaseSave(): void;
  };
  controller.removeAllListeners();
  try {
    if (inner.backupTimer !== undefined) inner.databaseSave();
  } catch (error) {
    log.error('the database of devices could not be written', error);
  }
  const work = async () => {
    if (inner.backupTimer !== undefined) await controller.stop();
    else if (inner.adapter) {
      inner.adapter.removeAllListeners();
      await inner.adapter.stop();
    }
  };
  await Promise.race([
    work().catch((error: unknown) => log.error('closing the coordinator', error)),
    pause(CLOSE_DEADLINE_MS, undefined, { ref: false }),
  ]);
  try {
    flushDatabase(controller);
  } catch (error) {
    log.error('the database of devices could not be written', error);
  }
  inner.adapter?.removeAllListeners();
  await Promise.race([
    inner.adapter?.stop().catch(() => undefined),
    pause(CLOSE_DEADLINE_MS, undefined, { ref: false }),
  ]);
  Device.resetCache();
  Group.resetCache();
}
