/** Takes a device off the network: it is asked to leave; one that does not answer is forgotten all the same, and that is said. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Controller } from 'zigbee-herdsman';

/** Less than the gateway waits. */
const LEAVE_DEADLINE_MS = 7_000;

/** @returns undefined when it left; why it had to be forced out otherwise */
export async function removeFromNetwork(
  controller: Controller,
  ieeeAddress: string,
): Promise<string | undefined> {
  const device = controller.getDeviceByIeeeAddr(ieeeAddress);
  if (!device) return undefined;
  const late = pause(LEAVE_DEADLINE_MS, 'late' as const, { ref: false });
  try {
    const left = await Promise.race([device.removeFromNetwork().then(() => 'left' as const), late]);
    if (left === 'left') return undefined;
    throw new Error('it did not answer in time');
  } catch (error) {
    controller.getDeviceByIeeeAddr(ieeeAddress)?.removeFromDatabase();
    return `it did not confirm that it leaves (${(error as Error).message}); reset it before it is paired elsewhere`;
  }
}
