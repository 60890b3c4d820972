/**
 * The trust centre of an EmberZNet stick, which gives devices the network's key, as far as the library leaves it open too
 * long or takes keys away too early.
 *
 * - From its start on it would let in whatever comes through a router, until joining is closed for the first time
 *   (zigbee-herdsman issue 1877): it is closed at each start.
 * - A Zigbee 3.0 device joins with a key that everybody knows, or one made from its install code, and asks at once for one
 *   of its own, again with the first (Base Device Behavior 3.0.1, 10.2.5: three attempts of 5 s). Joining is closed as soon
 *   as the device is there, and the library makes the stick forget the first key then: here it keeps it for so long.
 */
import type { AddonLog } from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';

const KEY_EXCHANGE_MS = 15_000;
/** "EmberJoinDecision". */
const REJOINS_ONLY = 4;
const OK = 0;

interface EmberAdapter {
  emberSetJoinPolicy(decision: number): Promise<number>;
  ezsp: {
    ezspClearTransientLinkKeys(): Promise<void>;
    ezspImportTransientKey(...given: unknown[]): Promise<number>;
  };
}

/** After the start, before anybody is let in. @throws Error when the stick refuses, or the library is not the version this is for */
export async function tendTrustCentre(controller: Controller, log: AddonLog): Promise<void> {
  const { adapter } = controller as unknown as { adapter: EmberAdapter };
  if (
    typeof adapter.emberSetJoinPolicy !== 'function' ||
    typeof adapter.ezsp?.ezspImportTransientKey !== 'function'
  )
    throw new Error('zigbee-herdsman lets devices join EmberZNet sticks in another way now');
  const status = await adapter.emberSetJoinPolicy(REJOINS_ONLY);
  if (status !== OK) throw new Error(`the coordinator does not close its network (status ${status})`);
  keepKeysForExchange(adapter.ezsp, log);
}

/** A key that is given meanwhile ends the forgetting of those before: it would be forgotten with them. */
function keepKeysForExchange(ezsp: EmberAdapter['ezsp'], log: AddonLog): void {
  const clear = ezsp.ezspClearTransientLinkKeys.bind(ezsp);
  const take = ezsp.ezspImportTransientKey.bind(ezsp);
  let later: NodeJS.Timeout | undefined;
  ezsp.ezspClearTransientLinkKeys = async () => {
    clearTimeout(later);
    later = setTimeout(() => {
      clear().catch((error: Error) => log.info(`keys of joining devices were not cleared: ${error.message}`));
    }, KEY_EXCHANGE_MS).unref();
  };
  ezsp.ezspImportTransientKey = (...given) => {
    clearTimeout(later);
    return take(...given);
  };
}
