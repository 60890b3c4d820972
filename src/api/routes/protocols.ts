/** Protocols: which there are and which are installed; install, update and remove. */
import type { Context } from 'koa';
import * as v from 'valibot';
import type { Installations } from '../../core/installations.ts';
import type { Protocols } from '../../core/protocols.ts';
import { jsonObjectSchema } from '../../model/device.ts';
import { GatewayError } from '../../model/error.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access } from '../access.ts';
import { readJson } from '../body.ts';
import { parseQuery } from '../query.ts';
import { type ApiRouter, guarded } from './router.ts';

export const PROTOCOLS = '/device/v1/protocols';
export const PROTOCOL = `${PROTOCOLS}/:protocolId`;
const INSTALLATION = `${PROTOCOL}/installation`;

const installation = v.object({ parameters: v.optional(jsonObjectSchema, {}) });
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const update = v.object({ version: v.optional(text), image: v.optional(text) });

export interface ProtocolRouteParts {
  protocols: Protocols;
  installations: Installations;
  access: Access;
}

export function addProtocolRoutes(
  router: ApiRouter,
  { protocols, installations, access }: ProtocolRouteParts,
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
    const protocol = await installations.install(context.params['protocolId'] as string, parameters);
    if ('token' in protocol) context.set('Cache-Control', 'no-store');
    context.body = protocol;
    context.status = 202;
  });

  router.put(INSTALLATION, administer, async (context) => {
    const body = (await readJson(context.req)) ?? {};
    const wanted = parseWith(update, body, 'update');
    context.body = await installations.update(context.params['protocolId'] as string, wanted);
    context.status = 202;
  });

  router.delete(INSTALLATION, administer, async (context) => {
    const protocolId = context.params['protocolId'] as string;
    context.body = await installations.remove(protocolId, forceOf(context));
    context.status = 202;
  });
}

/** `?force=true`: although there are devices. @throws GatewayError badRequest */
export function forceOf({ querystring }: Context): { force: boolean } {
  const [value = 'false', ...more] = parseQuery(querystring).get('force') ?? [];
  if (more.length === 0 && (value === 'true' || value === 'false')) return { force: value === 'true' };
  throw new GatewayError('badRequest', 'query: "force" must be true or false', {
    errors: [{ field: 'force', message: 'must be true or false' }],
  });
}
