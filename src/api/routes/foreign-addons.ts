/** Add-ons of others: registered by their manifest and taken away; the logins of those that others start. */
import type { ExternalLogins } from '../../core/external-logins.ts';
import type { ForeignAddons } from '../../core/foreign-addons.ts';
import type { Access } from '../access.ts';
import { readJson } from '../body.ts';
import { forceOf, PROTOCOL, PROTOCOLS } from './protocols.ts';
import { type ApiRouter, guarded } from './router.ts';

const TOKEN = `${PROTOCOL}/token`;

export interface ForeignAddonParts {
  foreignAddons: ForeignAddons;
  logins: ExternalLogins;
  access: Access;
}

export function addForeignAddonRoutes(
  router: ApiRouter,
  { foreignAddons, logins, access }: ForeignAddonParts,
): void {
  const administer = guarded(access, 'administer');

  router.post(PROTOCOLS, administer, async (context) => {
    const protocol = await foreignAddons.register(await readJson(context.req));
    context.status = 201;
    context.set('Location', `${PROTOCOLS}/${protocol.id}`);
    if ('token' in protocol) context.set('Cache-Control', 'no-store');
    context.body = protocol;
  });

  router.delete(PROTOCOL, administer, async (context) => {
    await foreignAddons.remove(context.params['protocolId'] as string, forceOf(context));
    context.body = {};
  });

  router.post(TOKEN, administer, async (context) => {
    const login = await logins.renew(context.params['protocolId'] as string);
    context.status = 201;
    context.set('Cache-Control', 'no-store');
    context.body = login;
  });

  router.delete(TOKEN, administer, async (context) => {
    await logins.revoke(context.params['protocolId'] as string);
    context.body = {};
  });
}
