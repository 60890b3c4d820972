/** Tokens for clients ("Get Authentication token"; RFC 6749, 4.4), and the clients themselves. */
import type { IncomingMessage } from 'node:http';
import type { Clients } from '../../core/clients.ts';
import type { Tokens } from '../../core/tokens.ts';
import { type Client, covers, SCOPES, type Scope } from '../../model/client.ts';
import { GatewayError } from '../../model/error.ts';
import type { Access, Caller } from '../access.ts';
import { readJson } from '../body.ts';
import { addressKey } from '../caller-address.ts';
import { type Credentials, credentialsIn, oauthRefusal, usesBasic } from '../client-credentials.ts';
import type { LogInLimit } from '../log-in-limit.ts';
import { type ApiRouter, guarded } from './router.ts';

export const TOKEN_PATH = '/authentication/v1/oauth/token';
const CLIENTS = '/authentication/v1/clients';
const CLIENT = `${CLIENTS}/:clientId`;
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
async function logIn(
  { clients, logInLimit }: AuthenticationParts,
  attempt: { caller: Caller; request: IncomingMessage; asked: Credentials },
): Promise<Client> {
  const { clientId, clientSecret } = attempt.asked;
  const run = () => clients.logIn(clientId, clientSecret);
  try {
    if (attempt.caller === 'local') return await run();
    const address = addressKey(attempt.request.socket.remoteAddress);
    return await logInLimit.guard({ address, clientId }, run);
  } catch (error) {
    throw usesBasic(attempt.request) ? challengedByBasic(error) : error;
  }
}

function challengedByBasic(error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.code !== 'unauthorized') return error;
  const { message, oauthError } = error;
  return new GatewayError('unauthorized', message, { oauthError, challenge: 'Basic', cause: error });
}

/** The client's own scopes, or those it asked for. @throws GatewayError badRequest for one that it does not hold */
function scopesFor({ scopes }: Client, asked: string | undefined): readonly Scope[] {
  if (asked === undefined) return scopes;
  const names = asked.split(' ').filter((name) => name !== '');
  const granted = SCOPES.filter((scope) => names.includes(scope) && covers(scopes, scope));
  if (names.length > 0 && names.every((name) => granted.some((scope) => scope === name))) return granted;
  throw oauthRefusal('invalid_scope', 'scope', `must lie within those of this client: ${scopes.join(', ')}`);
}
