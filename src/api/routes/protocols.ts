/** Protocols: which there are and which are installed; install, update and remove. */
import * as v from 'valibot';
import { imageNameSchema } from '../../contract/container.ts';
import { manifestActionSchema } from '../../contract/manifest.ts';
import type { ImageFetches } from '../../core/installations/image-fetches.ts';
import type { Installations } from '../../core/installations/installations.ts';
import { INSTALLATION_STATUSES, type ProtocolView } from '../../core/protocols/protocol-view.ts';
import type { Protocols } from '../../core/protocols/protocols.ts';
import { jsonObjectSchema } from '../../model/device.ts';
import { PART_STATES } from '../../model/health.ts';
import { described } from '../query-values.ts';
import { imageProgressSchema, text } from '../schemas.ts';
import type { ApiContext } from './route.ts';
import type { Routes } from './router.ts';

const section = 'Protocols';
export const PROTOCOLS = '/device/v1/protocols';
export const PROTOCOL = `${PROTOCOLS}/:protocolId` as const;
const INSTALLATION = `${PROTOCOL}/installation` as const;

const installation = v.optional(
  v.object(
    { parameters: v.optional(jsonObjectSchema, {}), image: v.optional(imageNameSchema) },
    'must be an object with parameters',
  ),
  {},
);
export const protocolSchema = v.object({
  id: v.string(),
  name: v.string(),
  slug: text('The name of its add-on'),
  status: v.picklist(INSTALLATION_STATUSES),
  state: v.pipe(v.picklist(PART_STATES), v.description('How its add-on is doing')),
  reason: v.optional(v.string()),
  version: text('Of its add-on'),
  image: v.optional(
    v.pipe(
      v.object({
        name: v.string(),
        digest: v.optional(text('The registry’s name of just this content')),
      }),
      v.description('What it runs, where it is installed as a container'),
    ),
  ),
  actions: v.optional(
    v.pipe(
      v.record(v.string(), manifestActionSchema),
      v.description('What its add-on can be asked to do, by name'),
    ),
  ),
  parameters: v.pipe(jsonObjectSchema, v.description('The JSON Schema of what it is installed with')),
  devicePaths: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description('Of these parameters: those that name a device of the box, such as a serial port'),
    ),
  ),
  progress: v.optional(v.pipe(imageProgressSchema, v.description('While its image is fetched'))),
});

/** A protocol as it is shown just now: with how far its image has come. */
function shown(protocol: ProtocolView, fetches: ImageFetches) {
  const progress = fetches.progressOf(protocol.slug);
  return progress ? { ...protocol, progress } : protocol;
}

/** How an add-on that others start logs in; the token is shown this once. */
export const loginSchema = v.object({
  brokerUrl: text('The gateway’s broker: `mqtt://host:port`'),
  addon: text('User name and MQTT client id'),
  token: text('The password; shown this once'),
});
/** A protocol, and the login where its add-on is started by others and was installed just now. */
export const installedSchema = v.object({ ...protocolSchema.entries, ...v.partial(loginSchema).entries });
const wantedText = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const update = v.optional(
  v.object({ version: v.optional(wantedText), image: v.optional(imageNameSchema) }, 'must be an object'),
  {},
);
/** Of what takes a protocol away. */
export const forceQuery = v.object({
  force: v.optional(
    v.pipe(
      v.picklist(['true', 'false'], 'must be true or false'),
      described({ type: 'boolean', description: 'Although it has devices: they stay' }),
      v.transform((given) => given === 'true'),
    ),
    'false',
  ),
});
/** Of a removal. */
const removalQuery = v.object({
  ...forceQuery.entries,
  data: v.optional(
    v.pipe(
      v.picklist(['true', 'false'], 'must be true or false'),
      described({ type: 'boolean', description: 'The data of its container too' }),
      v.transform((given) => given === 'true'),
    ),
    'false',
  ),
});

export interface ProtocolRouteParts {
  protocols: Protocols;
  installations: Installations;
  fetches: ImageFetches;
}

export function addProtocolRoutes(
  routes: Routes,
  { protocols, installations, fetches }: ProtocolRouteParts,
): void {
  routes.add({
    method: 'GET',
    path: PROTOCOLS,
    name: 'listProtocols',
    section,
    summary: 'Get all protocols',
    right: 'read',
    answers: { 200: { says: 'Every protocol, installed or not', json: v.array(protocolSchema) } },
    handle: () => protocols.list().map((each) => shown(each, fetches)),
  });

  routes.add({
    method: 'GET',
    path: PROTOCOL,
    name: 'getProtocol',
    section,
    summary: 'Get a protocol by id or slug',
    right: 'read',
    answers: { 200: { says: 'The protocol', json: protocolSchema } },
    errors: ['notFound'],
    handle: ({ path }) => shown(protocols.get(path.protocolId), fetches),
  });

  routes.add({
    method: 'POST',
    path: INSTALLATION,
    name: 'installProtocol',
    section,
    summary: 'Install a protocol',
    description:
      '`parameters` are checked against the JSON Schema in the manifest of its add-on. How it goes on is in `status` and told as events. With `image` it is installed as a container of that image. For an add-on that others start the answer has its login.',
    right: 'administer',
    body: installation,
    bodyName: 'installation',
    answers: {
      202: { says: 'Begun', json: installedSchema, mayHave: ['Cache-Control'] },
    },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: async ({ path, body, context }) => {
      const protocol = await installations.install(path.protocolId, body.parameters, body.image);
      return withoutCopies(context, protocol);
    },
  });

  routes.add({
    method: 'PUT',
    path: INSTALLATION,
    name: 'updateProtocol',
    section,
    summary: 'Update a protocol',
    description:
      'Takes what lies in the folder of its add-on now; `version` says which that must be. One that is installed as a container gets `image`, or the image that its manifest names.',
    right: 'administer',
    body: update,
    bodyName: 'update',
    answers: { 202: { says: 'Begun', json: protocolSchema } },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: ({ path, body }) => installations.update(path.protocolId, body),
  });

  routes.add({
    method: 'DELETE',
    path: INSTALLATION,
    name: 'removeProtocol',
    section,
    summary: 'Remove a protocol',
    description:
      '409 while it has devices, unless `force` is given. `data` removes what its container has kept, too.',
    right: 'administer',
    query: removalQuery,
    answers: { 202: { says: 'Begun', json: protocolSchema } },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: ({ path, query }) => installations.remove(path.protocolId, query),
  });
}

/** A token in an answer must not be kept on its way. */
export function withoutCopies<Shown extends object>(context: ApiContext, shown: Shown): Shown {
  if ('token' in shown) context.set('Cache-Control', 'no-store');
  return shown;
}
