/** Protocols: which there are, which are installed, install and remove. */
import * as v from 'valibot';
import type { Protocols } from '../../core/protocols.ts';
import { jsonObjectSchema } from '../../model/device.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access } from '../access.ts';
import { readJson } from '../body.ts';
import { type ApiRouter, guarded } from './router.ts';

const PROTOCOLS = '/device/v1/protocols';
const PROTOCOL = `${PROTOCOLS}/:protocolId`;
const INSTALLATION = `${PROTOCOL}/installation`;

const installation = v.object({ parameters: v.optional(jsonObjectSchema, {}) });

export function addProtocolRoutes(
  router: ApiRouter,
  { protocols, access }: { protocols: Protocols; access: Access },
): void {
  const read = guarded(access, 'read');
  const administer = guarded(access, 'administer');

  router.get(PROTOCOLS, read, (context) => {
    context.body = protocols.list();
  });

  router.get(PROTOCOL, read, (context) => {
    context.body = protocols.get(context.params['protocolId'] as string);
  });

  router.post(INSTALLATION, administer, async (context) => {
    const body = (await readJson(context.req)) ?? {};
    const { parameters } = parseWith(installation, body, 'installation');
    context.body = await protocols.install(context.params['protocolId'] as string, parameters);
    context.status = 202;
  });

  router.delete(INSTALLATION, administer, async (context) => {
    const protocolId = context.params['protocolId'] as string;
    await protocols.remove(protocolId);
    context.body = protocols.get(protocolId);
    context.status = 202;
  });
}
