/** Pairing: start it (the result comes as an event and in the device's status) and cancel it. */
import * as v from 'valibot';
import { JOIN_SECONDS_MAX, JOIN_TIMEOUT_MS, type Pairing } from '../../core/pairing.ts';
import { nothingSchema } from '../schemas.ts';
import type { Routes } from './router.ts';

const section = 'Devices';
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

export function addPairingRoutes(routes: Routes, { pairing }: { pairing: Pairing }): void {
  routes.add({
    method: 'POST',
    path: PAIR,
    name: 'pairDevice',
    section,
    summary: 'Pair a device',
    description:
      'It is looked for for `joinSeconds` (30), and then has up to 180 s for its interview. How it ends is told by the events `paired` and `not_paired`, and by `status` of the device. 409 while a pairing of it is under way, for a virtual device and for the gateway.',
    right: 'administer',
    body: v.optional(pairingSchema, {}),
    bodyName: 'pairing',
    answers: { 202: { says: 'It is looked for', json: nothingSchema } },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: async ({ path, body }) => {
      await pairing.pair(path.deviceId, body.joinSeconds * 1000);
      return {};
    },
  });

  routes.add({
    method: 'DELETE',
    path: PAIR,
    name: 'cancelPairing',
    section,
    summary: 'Cancel a pairing',
    right: 'administer',
    answers: { 200: { says: 'Cancelled', json: nothingSchema } },
    errors: ['notFound', 'conflict'],
    handle: ({ path }) => {
      pairing.cancel(path.deviceId);
      return {};
    },
  });
}
