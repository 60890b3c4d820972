/** Tokens for clients ("Get Authentication token"; RFC 6749, 4.4), and the clients themselves. */
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import type { Clients } from '../../core/clients/clients.ts';
import type { Tokens } from '../../core/clients/tokens.ts';
import { type Client, covers, newClientSchema, SCOPES, type Scope } from '../../model/client.ts';
import { GatewayError } from '../../model/error.ts';
import type { Caller } from '../access.ts';
import { addressKey } from '../caller-address.ts';
import {
  type Credentials,
  credentialsBody,
  credentialsForm,
  credentialsOf,
  oauthRefusal,
  refusedCredentials,
  usesBasic,
} from '../client-credentials.ts';
import type { LogInLimit } from '../log-in-limit.ts';
import { nothingSchema, timestamp } from '../schemas.ts';
import { pathTo, type Routes } from './router.ts';

const section = 'Authentication';
export const TOKEN_PATH = '/authentication/v1/oauth/token';
const CLIENTS = '/authentication/v1/clients';
const CLIENT = `${CLIENTS}/:clientId` as const;

const scopes = v.array(v.picklist(SCOPES));
const tokenSchema = v.object({
  access_token: v.pipe(v.string(), v.description('A JSON Web Token: for `Authorization: Bearer`')),
  token_type: v.literal('Bearer'),
  expires_in: v.pipe(v.number(), v.description('Seconds')),
  scope: v.optional(v.pipe(v.string(), v.description('Where it was asked for'))),
});
export const clientSchema = v.object({
  clientId: v.string(),
  name: v.string(),
  scopes,
  createdAt: timestamp('When it was made'),
  lastUsedAt: v.optional(timestamp('Its last log-in')),
});
export const newCredentialsSchema = v.object({
  clientId: v.string(),
  clientSecret: v.pipe(v.string(), v.description('Shown this once')),
  name: v.string(),
  scopes,
});

export interface AuthenticationParts {
  clients: Clients;
  tokens: Tokens;
  logInLimit: LogInLimit;
}

export function addAuthenticationRoutes(routes: Routes, parts: AuthenticationParts): void {
  routes.add({
    method: 'POST',
    path: TOKEN_PATH,
    name: 'getToken',
    section,
    summary: 'Get Authentication token',
    description:
      'OAuth 2.0 client credentials: as the documented JSON, as a form with OAuth’s own names, or as `Authorization: Basic`. A token in that header is not looked at. Too many failed log-ins are 429.',
    right: 'anyone',
    body: credentialsBody,
    form: credentialsForm,
    bodyName: 'credentials',
    refusal: refusedCredentials,
    answers: { 200: { says: 'The token', json: tokenSchema } },
    errors: ['unauthorized', 'storeFailed'],
    handle: async ({ body, context }) => {
      const request = context.req;
      const asked = credentialsOf(request, body);
      const client = await logIn(parts, { caller: context.state.caller, request, asked });
      const granted = scopesFor(client, asked.scope);
      context.state.client = client.clientId;
      const { token, expiresInSeconds } = await parts.tokens.issue(client, granted);
      return {
        access_token: token,
        token_type: 'Bearer' as const,
        expires_in: expiresInSeconds,
        // RFC 6749, 5.1: said where it was asked for
        ...(asked.scope === undefined ? {} : { scope: granted.join(' ') }),
      };
    },
  });
  addClientRoutes(routes, parts);
}

function addClientRoutes(routes: Routes, { clients }: AuthenticationParts): void {
  routes.add({
    method: 'GET',
    path: CLIENTS,
    name: 'listClients',
    section,
    summary: 'Get all clients, without their secrets',
    right: 'manageClients',
    answers: { 200: { says: 'The clients, the oldest first', json: v.array(clientSchema) } },
    handle: () => clients.list().map(clientView),
  });

  routes.add({
    method: 'POST',
    path: CLIENTS,
    name: 'addClient',
    section,
    summary: 'Add a client',
    description: 'Its secret is in this answer and nowhere else. 409 when there are 1,000 clients.',
    right: 'manageClients',
    body: newClientSchema,
    bodyName: 'client',
    answers: { 201: { says: 'The new client', json: newCredentialsSchema, headers: ['Location'] } },
    errors: ['conflict', 'storeFailed'],
    handle: async ({ body, context }) => {
      const added = await clients.add(body);
      context.set('Location', pathTo(CLIENT, { clientId: added.clientId }));
      return added;
    },
  });

  routes.add({
    method: 'DELETE',
    path: CLIENT,
    name: 'removeClient',
    section,
    summary: 'Remove a client',
    description: 'Its tokens are void at once.',
    right: 'manageClients',
    answers: { 200: { says: 'Removed', json: nothingSchema } },
    errors: ['notFound', 'storeFailed'],
    handle: async ({ path }) => {
      await clients.remove(path.clientId);
      return {};
    },
  });

  routes.add({
    method: 'DELETE',
    path: `${CLIENT}/tokens`,
    name: 'voidTokens',
    section,
    summary: 'Void the tokens of a client',
    description: 'At once; the client may log in again.',
    right: 'manageClients',
    answers: { 200: { says: 'Void', json: nothingSchema } },
    errors: ['notFound', 'storeFailed'],
    handle: async ({ path }) => {
      await clients.voidTokens(path.clientId);
      return {};
    },
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
