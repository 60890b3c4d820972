/** A backup takes the place of this gateway: sent in pieces, checked, and put in place by a restart. For who may say who may call. */
import * as v from 'valibot';
import type { Restores } from '../../core/upkeep/restores.ts';
import { PIECE_MAX_BYTES } from '../../model/limits.ts';
import { nothingSchema } from '../schemas.ts';
import { uploadedBytes } from '../uploaded-bytes.ts';
import { MAINTENANCE, pieceQuery, receivedSchema, restoreViewSchema } from '../views/maintenance-view.ts';
import { OCTETS_TYPE } from './route.ts';
import type { Routes } from './router.ts';

const section = 'Maintenance';
const RESTORE = `${MAINTENANCE}/restore` as const;
const secret = (description: string) =>
  v.optional(
    v.pipe(
      v.string(),
      v.minLength(1, 'must not be empty'),
      v.maxLength(1_024, 'may have 1024 characters at most'),
      v.regex(/^[^\r\n\0]*$/, 'must be one line'),
      v.description(description),
    ),
  );
const keySchema = v.pipe(
  v.object({
    passphrase: secret('What the backup was encrypted with'),
    identity: secret('Of age, in place of a passphrase: AGE-SECRET-KEY-1…'),
  }),
  v.check(
    ({ passphrase, identity }) => (passphrase === undefined) !== (identity === undefined),
    'must have either a passphrase or an identity',
  ),
);

export function addRestoreRoutes(routes: Routes, { restores }: { restores: Restores }): void {
  routes.add({
    method: 'POST',
    path: `${RESTORE}/file`,
    name: 'sendBackup',
    section,
    summary: 'Send a backup, or a piece of it',
    description:
      'Up to 64 MiB a piece, 8 GiB in all. A piece begins where the last one ended: 409 says where that is.',
    right: 'manageClients',
    takesOctets: true,
    query: pieceQuery,
    answers: { 201: { says: 'It is there', json: receivedSchema } },
    errors: ['conflict', 'unavailable', 'storeFailed'],
    handle: async ({ query, context }) => ({
      bytes: await restores.receive({
        offset: query.offset,
        bytes: uploadedBytes(context.req, { mediaType: OCTETS_TYPE, maxBytes: PIECE_MAX_BYTES }),
      }),
    }),
  });

  routes.add({
    method: 'POST',
    path: RESTORE,
    name: 'checkBackup',
    section,
    summary: 'Unpack and check the backup that was sent',
    description: 'Nothing of the gateway is changed. What is in it is told once it was checked.',
    right: 'manageClients',
    body: keySchema,
    bodyName: 'key',
    answers: { 202: { says: 'Begun', json: restoreViewSchema } },
    errors: ['conflict'],
    handle: ({ body: { passphrase, identity } }) =>
      restores.check(identity === undefined ? { passphrase: passphrase as string } : { identity }),
  });

  routes.add({
    method: 'POST',
    path: `${RESTORE}/apply`,
    name: 'applyBackup',
    section,
    summary: 'Put the backup in place of this gateway',
    description:
      'The gateway restarts for it. What was there is moved aside. Clients, tokens and settings are those of the backup afterwards.',
    right: 'manageClients',
    answers: { 202: { says: 'It is ordered, and the gateway restarts', json: restoreViewSchema } },
    errors: ['conflict', 'storeFailed'],
    handle: () => restores.apply(),
  });

  routes.add({
    method: 'DELETE',
    path: RESTORE,
    name: 'dropRestore',
    section,
    summary: 'Let go of the backup that was sent',
    right: 'manageClients',
    answers: { 200: { says: 'Gone', json: nothingSchema } },
    errors: ['conflict'],
    handle: async () => {
      await restores.drop();
      return {};
    },
  });
}
