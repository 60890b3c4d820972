/** What a protocol is given at once: files for its add-on, and devices that somebody else knows of. */
import * as v from 'valibot';
import { UPLOAD_MAX_BYTES } from '../../contract/limits.ts';
import { type DeviceImport, deviceImportSchema, IMPORT_OUTCOMES } from '../../core/devices/device-import.ts';
import type { ProtocolUploads } from '../../core/protocols/protocol-uploads.ts';
import { reasonSchema } from '../../model/device.ts';
import { text } from '../schemas.ts';
import { uploadedBytes } from '../uploaded-bytes.ts';
import { PROTOCOL } from './protocols.ts';
import { OCTETS_TYPE } from './route.ts';
import type { Routes } from './router.ts';

const section = 'Protocols';

export const uploadSchema = v.object({
  file: text('The name that an action of the add-on takes'),
  bytes: v.pipe(v.number(), v.integer(), v.description('How many have come')),
});
export const importedSchema = v.object({
  devices: v.array(
    v.object({
      key: v.string(),
      outcome: v.picklist(IMPORT_OUTCOMES),
      deviceId: v.optional(v.string()),
      reason: v.optional(v.pipe(reasonSchema, v.description('Why it was refused'))),
    }),
  ),
});

export interface DeviceImportRouteParts {
  uploads: ProtocolUploads;
  deviceImport: DeviceImport;
}

export function addDeviceImportRoutes(
  routes: Routes,
  { uploads, deviceImport }: DeviceImportRouteParts,
): void {
  routes.add({
    method: 'POST',
    path: `${PROTOCOL}/files`,
    name: 'sendFile',
    section,
    summary: 'Send a file for an add-on',
    description:
      'For actions that take a `file`, such as the import of a project of ETS. Up to 64 MiB; the last 4 of an add-on are kept, for an hour.',
    right: 'administer',
    takesOctets: true,
    answers: { 201: { says: 'It is there', json: uploadSchema } },
    errors: ['notFound', 'conflict', 'unavailable'],
    handle: ({ path, context }) =>
      uploads.keep(
        path.protocolId,
        uploadedBytes(context.req, { mediaType: OCTETS_TYPE, maxBytes: UPLOAD_MAX_BYTES }),
      ),
  });

  routes.add({
    method: 'POST',
    path: `${PROTOCOL}/devices`,
    name: 'importDevices',
    section,
    summary: 'Make many devices at once',
    description:
      'As the preview of an import lists them. A device is known by its `key`: given again it is changed, or left as it is, and its name stays what it is here. What is new, changed or not paired yet is paired in the background.',
    right: 'administer',
    body: deviceImportSchema,
    bodyName: 'import',
    answers: { 200: { says: 'What became of each, in their order', json: importedSchema } },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: async ({ path, body }) => ({ devices: await deviceImport.put(path.protocolId, body) }),
  });
}
