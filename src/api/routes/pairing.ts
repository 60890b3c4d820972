/** Pairing: start it (the result comes as an event and in the device's status) and cancel it. */
import * as v from 'valibot';
import { JOIN_SECONDS_MAX, JOIN_TIMEOUT_MS, type Pairing } from '../../core/pairing.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access } from '../access.ts';
import { readJson } from '../body.ts';
import { type ApiRouter, guarded } from './router.ts';

const SECONDS = `must be a whole number from 1 to ${JOIN_SECONDS_MAX}`;
const pairingSchema = v.object({
  /** How long something may take to join. */
  joinSeconds: v.optional(
    v.pipe(
      v.number(SECONDS),
      v.integer(SECONDS),
      v.minValue(1, SECONDS),
      v.maxValue(JOIN_SECONDS_MAX, SECONDS),
    ),
    JOIN_TIMEOUT_MS / 1000,
  ),
});

const PAIR = '/device/v1/devices/:deviceId/pair';

export function addPairingRoutes(
  router: ApiRouter,
  { pairing, access }: { pairing: Pairing; access: Access },
): void {
  const administer = guarded(access, 'administer');

  router.post(PAIR, administer, async (context) => {
    const body = await readJson(context.req);
    const { joinSeconds } = parseWith(pairingSchema, body ?? {}, 'pairing');
    await pairing.pair(context.params['deviceId'] as string, joinSeconds * 1000);
    context.status = 202;
    context.body = {};
  });

  router.delete(PAIR, administer, (context) => {
    pairing.cancel(context.params['deviceId'] as string);
    context.body = {};
  });
}
