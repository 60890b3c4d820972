/** Add-ons of others: registered by their manifest and taken away; the logins of those that others start. */
import { manifestSchema } from '../../contract/manifest.ts';
import type { ExternalLogins } from '../../core/protocols/external-logins.ts';
import type { ForeignAddons } from '../../core/protocols/foreign-addons.ts';
import { nothingSchema } from '../schemas.ts';
import { forceQuery, installedSchema, loginSchema, PROTOCOL, PROTOCOLS, withoutCopies } from './protocols.ts';
import { pathTo, type Routes } from './router.ts';

const section = 'Protocols';
const TOKEN = `${PROTOCOL}/token` as const;

export interface ForeignAddonParts {
  foreignAddons: ForeignAddons;
  logins: ExternalLogins;
}

export function addForeignAddonRoutes(routes: Routes, { foreignAddons, logins }: ForeignAddonParts): void {
  routes.add({
    method: 'POST',
    path: PROTOCOLS,
    name: 'registerAddon',
    section,
    summary: 'Register an add-on of others by its manifest',
    description:
      'One that others start and that needs no parameters is installed with it: then the answer has its login.',
    right: 'administer',
    body: manifestSchema,
    bodyName: 'manifest',
    answers: {
      201: {
        says: 'The new protocol',
        json: installedSchema,
        headers: ['Location'],
        mayHave: ['Cache-Control'],
      },
    },
    errors: ['conflict', 'storeFailed'],
    handle: async ({ body, context }) => {
      const protocol = await foreignAddons.register(body);
      context.set('Location', pathTo(PROTOCOL, { protocolId: protocol.id }));
      return withoutCopies(context, protocol);
    },
  });

  routes.add({
    method: 'DELETE',
    path: PROTOCOL,
    name: 'forgetAddon',
    section,
    summary: 'Take an add-on of others away',
    description:
      '409 while it has devices, unless `force` is given. One that comes with the gateway stays: 403.',
    right: 'administer',
    query: forceQuery,
    answers: { 200: { says: 'Taken away', json: nothingSchema } },
    errors: ['forbidden', 'notFound', 'conflict', 'storeFailed'],
    handle: async ({ path, query }) => {
      await foreignAddons.remove(path.protocolId, query);
      return {};
    },
  });

  routes.add({
    method: 'POST',
    path: TOKEN,
    name: 'renewAddonToken',
    section,
    summary: 'A new token for an add-on that others start',
    description: 'The one before is void, and its connection is ended.',
    right: 'administer',
    answers: { 201: { says: 'The login', json: loginSchema, headers: ['Cache-Control'] } },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: async ({ path, context }) => withoutCopies(context, await logins.renew(path.protocolId)),
  });

  routes.add({
    method: 'DELETE',
    path: TOKEN,
    name: 'revokeAddonToken',
    section,
    summary: 'Void the token of an add-on that others start',
    right: 'administer',
    answers: { 200: { says: 'Void', json: nothingSchema } },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: async ({ path }) => {
      await logins.revoke(path.protocolId);
      return {};
    },
  });
}
