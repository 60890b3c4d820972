/** Pairing: start it (the result comes as an event and in the device's status) and cancel it. */
import type { Pairing } from '../../core/pairing.ts';
import type { Access } from '../access.ts';
import { type ApiRouter, guarded } from './router.ts';

const PAIR = '/device/v1/devices/:deviceId/pair';

export function addPairingRoutes(
  router: ApiRouter,
  { pairing, access }: { pairing: Pairing; access: Access },
): void {
  const administer = guarded(access, 'administer');

  router.post(PAIR, administer, async (context) => {
    await pairing.pair(context.params['deviceId'] as string);
    context.status = 202;
    context.body = {};
  });

  router.delete(PAIR, administer, (context) => {
    pairing.cancel(context.params['deviceId'] as string);
    context.body = {};
  });
}
