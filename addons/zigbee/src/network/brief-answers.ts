/**
 * A device that took a frame and says nothing is waited for 10 s by the library, then sent the same once more and waited
 * for again: 23 s in which nothing else can be told to it, longer than a caller waits. What runs on mains answers within
 * a second or never: it is waited for 4 s, and told of after 11. One that sleeps polls seldom: for it the time stays.
 */
import type { Controller } from 'zigbee-herdsman';
import { isSleepy } from '../devices/receiver.ts';

const ANSWER_DEADLINE_MS = 4_000;
/** Where nobody says otherwise: for models that are known to be slow the converters do. */
const LIBRARY_DEADLINE_MS = 10_000;

interface WaitingAdapter {
  /** The answer's time comes last. */
  waitForInternal?: (networkAddress: number, ...rest: [...unknown[], timeoutMs: number]) => unknown;
}

/** Only Z-Stack sticks wait so: for EmberZNet the library sends once. */
export function awaitAnswersBriefly(controller: Controller): void {
  const { adapter } = controller as unknown as { adapter: WaitingAdapter };
  const wait = adapter.waitForInternal?.bind(adapter);
  if (!wait) return;
  adapter.waitForInternal = (networkAddress, ...rest) => {
    const device = controller.getDeviceByNetworkAddress(networkAddress);
    const timeoutMs = rest.pop() as number;
    const isBrief = timeoutMs === LIBRARY_DEADLINE_MS && device !== undefined && !isSleepy(device);
    return wait(networkAddress, ...rest, isBrief ? ANSWER_DEADLINE_MS : timeoutMs);
  };
}
