/** Pairing: start it (the result comes as an event and in the device's status) and cancel it. */
import * as v from 'valibot';
import type { Devices } from '../../core/devices/devices.ts';
import { JOIN_SECONDS_MAX, JOIN_TIMEOUT_MS, type Pairing } from '../../core/devices/pairing.ts';
import { PAIRING_STEPS } from '../../core/events.ts';
import { deviceStatusSchema, jsonObjectSchema } from '../../model/device.ts';
import { nothingSchema, timestamp } from '../schemas.ts';
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

export const courseSchema = v.object({
  status: v.pipe(deviceStatusSchema, v.description('As the device shows it: `discovering` while it goes on')),
  startedAt: v.optional(timestamp('When it began')),
  joinUntil: v.optional(timestamp('Something must have joined by then')),
  until: v.optional(timestamp('It ends by then; later once something has joined')),
  steps: v.array(
    v.object({
      step: v.picklist(PAIRING_STEPS),
      details: v.optional(jsonObjectSchema),
      ts: timestamp('When it was reached'),
    }),
  ),
});

export function addPairingRoutes(
  routes: Routes,
  { pairing, devices }: { pairing: Pairing; devices: Devices },
): void {
  routes.add({
    method: 'GET',
    path: PAIR,
    name: 'getPairing',
    section,
    summary: 'How the last pairing of a device goes, or went',
    description:
      'For whoever comes back to one: the events tell the same as it happens. A restart forgets the steps.',
    right: 'read',
    answers: { 200: { says: 'Its steps so far, and how long it may take', json: courseSchema } },
    errors: ['notFound'],
    handle: ({ path }) => {
      const { status } = devices.get(path.deviceId);
      return { status, ...(pairing.course(path.deviceId) ?? { steps: [] }) };
    },
  });

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
