/**
 * Frames from the wild: the library handles what comes over the air in handlers of its own, some of them asynchronous,
 * and a device may send anything. What such a handler throws ends here, not in the process.
 */
import type { AddonLog } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';

const HANDLERS = [
  'onZclPayload',
  'onZdoResponse',
  'onDeviceJoined',
  'onDeviceLeave',
  'onDeviceJoinedGreenPower',
  'onDeviceLeaveGreenPower',
  'onAdapterDisconnected',
] as const;
/** One kind of fault is told once in this time. */
const SAID_EVERY_MS = 60_000;

/** Before the controller's start, which binds its handlers. @throws Error when the library is not the version this is for */
export function guardLibraryEvents(controller: Controller, log: AddonLog): void {
  const handlers = controller as unknown as Record<string, (...facts: unknown[]) => unknown>;
  const said = new Map<string, number>();
  const complain = (name: string, error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    const kind = `${name} ${text.replace(/[\da-fx]+/gi, '#')}`;
    if (performance.now() - (said.get(kind) ?? Number.NEGATIVE_INFINITY) < SAID_EVERY_MS) return;
    if (said.size > 100) said.clear();
    said.set(kind, performance.now());
    log.info(`a frame could not be handled (${name}): ${text}`);
  };
  for (const name of HANDLERS) {
    const handle = handlers[name];
    if (typeof handle !== 'function') throw new Error(`zigbee-herdsman has no ${name} any more`);
    handlers[name] = async (...facts: unknown[]) => {
      try {
        await handle.apply(controller, facts);
      } catch (error) {
        complain(name, error);
      }
    };
  }
}
