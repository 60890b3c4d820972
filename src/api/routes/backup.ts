/**
 * A backup: begun, followed, fetched. It holds what tokens are signed with, and whoever asks for it chooses what opens it:
 * so it needs the right to say who may call, which no caller without a token has.
 */
import * as v from 'valibot';
import type { Backups } from '../../core/upkeep/backups.ts';
import { nothingSchema } from '../schemas.ts';
import { backupViewSchema, MAINTENANCE } from '../views/maintenance-view.ts';
import { OCTETS_TYPE } from './route.ts';
import type { Routes } from './router.ts';

const section = 'Maintenance';
const BACKUP = `${MAINTENANCE}/backup` as const;
const PASSPHRASE_MIN_CHARS = 12;
const SECRET_MAX_CHARS = 1_024;
const oneLine = /^[^\r\n\0]*$/;
const LINE = 'must be one line';

const passphrase = v.pipe(
  v.string(),
  v.minLength(PASSPHRASE_MIN_CHARS, `must have at least ${PASSPHRASE_MIN_CHARS} characters`),
  v.maxLength(SECRET_MAX_CHARS, `may have ${SECRET_MAX_CHARS} characters at most`),
  v.regex(oneLine, LINE),
  v.description('Encrypts the backup; nobody but you knows it afterwards'),
);
const recipient = v.pipe(
  v.string(),
  v.maxLength(SECRET_MAX_CHARS, `may have ${SECRET_MAX_CHARS} characters at most`),
  v.regex(/^age1[0-9a-z]+$/, 'must be a recipient of age: it begins with age1'),
  v.description('Of age, in place of a passphrase'),
);
const wishSchema = v.pipe(
  v.object({
    passphrase: v.optional(passphrase),
    recipient: v.optional(recipient),
    readings: v.optional(
      v.pipe(v.boolean('must be true or false'), v.description('With the readings too')),
      false,
    ),
  }),
  v.check(
    ({ passphrase: one, recipient: other }) => (one === undefined) !== (other === undefined),
    'must have either a passphrase or a recipient',
  ),
);

export function addBackupRoutes(routes: Routes, { backups }: { backups: Backups }): void {
  routes.add({
    method: 'POST',
    path: BACKUP,
    name: 'beginBackup',
    section,
    summary: 'Begin a backup',
    description:
      'All of this gateway as one encrypted file. It goes on whoever listens; it is kept for a day, or until another one begins. 409 while one is taken.',
    right: 'manageClients',
    body: wishSchema,
    bodyName: 'backup',
    answers: { 202: { says: 'Begun', json: backupViewSchema } },
    errors: ['conflict'],
    handle: ({ body: { passphrase: secret, recipient: to, readings } }) =>
      backups.begin({
        seal: to === undefined ? { passphrase: secret as string } : { recipient: to },
        readings,
      }),
  });

  routes.add({
    method: 'GET',
    path: `${BACKUP}/file`,
    name: 'fetchBackup',
    section,
    summary: 'Fetch the backup',
    right: 'manageClients',
    answers: {
      200: {
        says: 'The encrypted file, in the format of age',
        other: { [OCTETS_TYPE]: v.any() },
        headers: ['Content-Disposition'],
      },
    },
    errors: ['notFound'],
    handle: async ({ context }) => {
      const { stream, bytes, takenAt } = await backups.read();
      const name = `gate-${new Date(takenAt).toISOString().slice(0, 19).replaceAll(':', '-')}Z.age`;
      context.set('Content-Disposition', `attachment; filename="${name}"`);
      context.type = OCTETS_TYPE;
      context.length = bytes;
      context.body = stream;
    },
  });

  routes.add({
    method: 'DELETE',
    path: BACKUP,
    name: 'dropBackup',
    section,
    summary: 'End the backup that is taken, or delete the one that is ready',
    right: 'manageClients',
    answers: { 200: { says: 'Gone', json: nothingSchema } },
    handle: async () => {
      await backups.drop();
      return {};
    },
  });
}
