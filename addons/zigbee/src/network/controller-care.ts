/** What the library does not do for its controller: ask whether the stick is still there, and leave nothing open. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AddonLog } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { tcpTarget } from '../stick/coordinator-port.ts';

/** How long an answer may take. */
const HEARTBEAT_DEADLINE_MS = 4_000;
/** Closing a coordinator that does not answer is not waited for longer. */
const CLOSE_DEADLINE_MS = 1_500;

/** Asks the stick itself, not what the library remembers of it. */
export async function answers(controller: Controller): Promise<boolean> {
  const { adapter } = controller as unknown as { adapter: { getCoordinatorIEEE(): Promise<string> } };
  return Promise.race([
    adapter.getCoordinatorIEEE().then(
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
  inner.adapter?.removeAllListeners();
  await Promise.race([
    inner.adapter?.stop().catch(() => undefined),
    pause(CLOSE_DEADLINE_MS, undefined, { ref: false }),
  ]);
  Device.resetCache();
  Group.resetCache();
}

/** The name in /dev/serial/by-id that leads to `path`. */
export function stablePortOf(path: string): { stablePort?: string } {
  const folder = '/dev/serial/by-id';
  if (tcpTarget(path) || !existsSync(folder)) return {};
  const target = realpathSync(path);
  const name = readdirSync(folder).find((each) => realpathSync(join(folder, each)) === target);
  return name === undefined ? {} : { stablePort: join(folder, name) };
}
