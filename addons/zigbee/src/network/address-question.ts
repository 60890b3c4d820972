/**
 * A device that does not answer may have another network address by now: the library asks for it, by broadcast, among its
 * attempts to reach the device, and waits 10 s for an answer. Devices answer within a second or never, and somebody waits
 * for the command: 3 s are enough, and a lamp without power is told of after 10 s in place of 17.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Controller } from 'zigbee-herdsman';

const ADDRESS_DEADLINE_MS = 3_000;

interface AskingAdapter {
  requestNetworkAddress?: (ieeeAddress: string) => Promise<number>;
}

/** Only Z-Stack sticks are asked so; EmberZNet finds addresses by itself. */
export function askAddressesBriefly(controller: Controller): void {
  const { adapter } = controller as unknown as { adapter: AskingAdapter };
  const ask = adapter.requestNetworkAddress?.bind(adapter);
  if (!ask) return;
  adapter.requestNetworkAddress = (ieeeAddress) => {
    const answer = ask(ieeeAddress);
    // nobody waits for one that is late
    answer.catch(() => undefined);
    const late = pause(ADDRESS_DEADLINE_MS, undefined, { ref: false }).then(() => {
      throw new Error(`nobody has said the network address of ${ieeeAddress}`);
    });
    return Promise.race([answer, late]);
  };
}
