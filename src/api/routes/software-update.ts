/** An update of gate: by its version, from an address, or sent. A release counts by its signature alone. */
import * as v from 'valibot';
import { RELEASE_PARTS, type ReleasePart, type SoftwareUpdates } from '../../core/upkeep/software-updates.ts';
import { GatewayError } from '../../model/error.ts';
import { PIECE_MAX_BYTES } from '../../model/limits.ts';
import { uploadedBytes } from '../uploaded-bytes.ts';
import { MAINTENANCE, pieceQuery, receivedSchema, updateViewSchema } from '../views/maintenance-view.ts';
import { OCTETS_TYPE } from './route.ts';
import type { Routes } from './router.ts';

const section = 'Maintenance';
const UPDATE = `${MAINTENANCE}/update` as const;
const VERSION = /^\d{1,6}\.\d{1,6}\.\d{1,6}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;
const wishSchema = v.pipe(
  v.object({
    version: v.optional(
      v.pipe(v.string(), v.maxLength(64), v.regex(VERSION, 'must be a version such as 1.2.0')),
    ),
    url: v.optional(
      v.pipe(
        v.string(),
        v.maxLength(2_048),
        v.regex(/^https?:\/\/[^\s]+$/, 'must be an address'),
        v.description('Of the archive; UPDATE_URLS must have it'),
      ),
    ),
    sent: v.optional(v.pipe(v.literal(true, 'must be true'), v.description('What was sent before'))),
  }),
  v.check(
    ({ version, url, sent }) => [version, url, sent].filter((each) => each !== undefined).length === 1,
    'must have one of version, url and sent',
  ),
);

export function addUpdateRoutes(routes: Routes, { updates }: { updates: SoftwareUpdates }): void {
  routes.add({
    method: 'POST',
    path: `${UPDATE}/files/:part`,
    name: 'sendRelease',
    section,
    summary: 'Send a part of a release, or a piece of it',
    description:
      '`archive` is the `.tar.gz`, `checksum` its `.sha256`, `signature` its `.sig`. Pieces as for a backup.',
    right: 'administer',
    takesOctets: true,
    query: pieceQuery,
    answers: { 201: { says: 'It is there', json: receivedSchema } },
    errors: ['notFound', 'conflict', 'unavailable', 'storeFailed'],
    handle: async ({ path, query, context }) => {
      const bytes = uploadedBytes(context.req, { mediaType: OCTETS_TYPE, maxBytes: PIECE_MAX_BYTES });
      return { bytes: await updates.receive(partNamed(path.part), { offset: query.offset, bytes }) };
    },
  });

  routes.add({
    method: 'POST',
    path: UPDATE,
    name: 'beginUpdate',
    section,
    summary: 'Update gate',
    description:
      'The updater checks the release, puts it in place and watches it; it goes back by itself when that does not come up. 503 where gate was not installed from a release.',
    right: 'administer',
    body: wishSchema,
    bodyName: 'update',
    answers: { 202: { says: 'Begun', json: updateViewSchema } },
    errors: ['conflict', 'unavailable'],
    handle: ({ body: { version, url } }) => {
      if (version !== undefined) return updates.begin({ version });
      return url === undefined ? updates.useReceived() : updates.begin({ url });
    },
  });
}

/** @throws GatewayError notFound */
function partNamed(name: string): ReleasePart {
  if (Object.hasOwn(RELEASE_PARTS, name)) return name as ReleasePart;
  throw new GatewayError('notFound', `a release has no part "${name}"`, {
    hint: `it has ${Object.keys(RELEASE_PARTS).join(', ')}`,
  });
}
