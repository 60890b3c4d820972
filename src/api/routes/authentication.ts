/** Tokens for clients ("Get Authentication token"; RFC 6749, 4.4), and the clients themselves. */
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import type { Clients } from '../../core/clients.ts';
import type { Tokens } from '../../core/tokens.ts';
import { type Client, covers, SCOPES, type Scope } from '../../model/client.ts';
import { GatewayError, type OAuthError } from '../../model/error.ts';
import { isJsonObject } from '../../model/json.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access, Caller } from '../access.ts';
import { isForm, readForm, readJson } from '../body.ts';
import { addressKey } from '../caller-address.ts';
import type { LogInLimit } from '../log-in-limit.ts';
import { type ApiRouter, guarded } from './router.ts';

export const TOKEN_PATH = '/authentication/v1/oauth/token';
const CLIENTS = '/authentication/v1/clients';
const CLIENT = `${CLIENTS}/:clientId`;
const GRANT_TYPE = 'client_credentials';
/** The documented JSON has none. */
const GRANT_TYPES: ReadonlySet<unknown> = new Set([GRANT_TYPE, undefined]);

/** No message here may repeat what was sent: it may be a secret. */
const text = (maxLength: number) => {
  const message = `must be a text of 1 to ${maxLength} characters`;
  return v.pipe(v.string(message), v.minLength(1, message), v.maxLength(maxLength, message));
};
const credentials = v.object(
  {
    clientId: text(64),
    clientSecret: text(128),
    scope: v.optional(v.string('must be a text')),
  },
  'must be an object with clientId and clientSecret',
);
type Credentials = v.InferOutput<typeof credentials>;

export interface AuthenticationParts {
  clients: Clients;
  tokens: Tokens;
  logInLimit: LogInLimit;
  access: Access;
}

export function addAuthenticationRoutes(router: ApiRouter, parts: AuthenticationParts): void {
  router.post(TOKEN_PATH, async (context) => {
    const asked = await credentialsIn(context.req);
    const client = await logIn(parts, { caller: context.state.caller, request: context.req, asked });
    const scopes = scopesFor(client, asked.scope);
    const { token, expiresInSeconds } = await parts.tokens.issue(client, scopes);
    context.body = {
      access_token: token,
      token_type: 'Bearer',
      expires_in: expiresInSeconds,
      // RFC 6749, 5.1: said where it was asked for
      ...(asked.scope === undefined ? {} : { scope: scopes.join(' ') }),
    };
  });
  addClientRoutes(router, parts);
}

function addClientRoutes(router: ApiRouter, { clients, access }: AuthenticationParts): void {
  const manageClients = guarded(access, 'manageClients');

  router.get(CLIENTS, manageClients, (context) => {
    context.body = clients.list().map(clientView);
  });

  router.post(CLIENTS, manageClients, async (context) => {
    const added = await clients.add(await readJson(context.req));
    context.status = 201;
    context.set('Location', `${CLIENTS}/${added.clientId}`);
    context.body = added;
  });

  router.delete(CLIENT, manageClients, async (context) => {
    await clients.remove(context.params['clientId'] as string);
    context.body = {};
  });

  router.delete(`${CLIENT}/tokens`, manageClients, async (context) => {
    await clients.voidTokens(context.params['clientId'] as string);
    context.body = {};
  });
}

function clientView({ clientId, name, scopes, createdAt, lastUsedAt }: Client) {
  return { clientId, name, scopes, createdAt, ...(lastUsedAt === undefined ? {} : { lastUsedAt }) };
}

/** @throws GatewayError unauthorized, tooManyRequests */
function logIn(
  { clients, logInLimit }: AuthenticationParts,
  attempt: { caller: Caller; request: IncomingMessage; asked: Credentials },
): Promise<Client> {
  const { clientId, clientSecret } = attempt.asked;
  const run = () => clients.logIn(clientId, clientSecret);
  if (attempt.caller === 'local') return run();
  return logInLimit.guard({ address: addressKey(attempt.request.socket.remoteAddress), clientId }, run);
}

/** JSON with the documented names, or a form with OAuth's own. @throws GatewayError badRequest */
async function credentialsIn(request: IncomingMessage): Promise<Credentials> {
  if (!isForm(request)) return parsed(await readJson(request));
  const { client_id: clientId, client_secret: clientSecret, ...others } = await readForm(request);
  if (others['grant_type'] === undefined) throw refusal('invalid_request', 'grant_type', 'is missing');
  return parsed({ ...others, clientId, clientSecret });
}

function parsed(body: unknown): Credentials {
  if (isJsonObject(body) && !GRANT_TYPES.has(body['grant_type'])) {
    throw refusal('unsupported_grant_type', 'grant_type', `must be ${GRANT_TYPE}`);
  }
  try {
    return parseWith(credentials, body, 'credentials');
  } catch (error) {
    const { message, errors } = error as GatewayError;
    throw new GatewayError('badRequest', message, { errors, oauthError: 'invalid_request' });
  }
}

function refusal(oauthError: OAuthError, field: string, message: string): GatewayError {
  return new GatewayError('badRequest', `"${field}" ${message}`, {
    errors: [{ field, message }],
    oauthError,
  });
}

/** The client's own scopes, or those it asked for. @throws GatewayError badRequest for one that it does not hold */
function scopesFor({ scopes }: Client, asked: string | undefined): readonly Scope[] {
  if (asked === undefined) return scopes;
  const names = asked.split(' ').filter((name) => name !== '');
  const granted = SCOPES.filter((scope) => names.includes(scope) && covers(scopes, scope));
  if (names.length > 0 && names.every((name) => granted.some((scope) => scope === name))) return granted;
  throw refusal('invalid_scope', 'scope', `must lie within those of this client: ${scopes.join(', ')}`);
}
