/**
 * The id and secret that a log-in brings: the documented JSON, a form with OAuth's names, or `Authorization: Basic`
 * (RFC 6749, 2.3.1). One way at a time. No message here may repeat what was sent: it may be a secret.
 */
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { GatewayError, type OAuthError } from '../model/error.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import { parseWith } from '../model/parse.ts';
import { isForm, readForm, readJson } from './body.ts';

const GRANT_TYPE = 'client_credentials';
/** The documented JSON has none. */
const GRANT_TYPES: ReadonlySet<unknown> = new Set([GRANT_TYPE, undefined]);
/** RFC 7617, 2 */
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;
const BASIC_SCHEME = /^Basic(?: |$)/i;

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
/** `scope`: names separated by spaces, where fewer are asked for than the client has. */
export type Credentials = v.InferOutput<typeof credentials>;

/** @throws GatewayError badRequest, with OAuth's own word for it */
export async function credentialsIn(request: IncomingMessage): Promise<Credentials> {
  const body = isForm(request) ? await formIn(request) : ((await readJson(request)) ?? {});
  if (!usesBasic(request)) return parsed(body);
  if (!isJsonObject(body)) return parsed(body);
  const { id, secret } = basicPair(request);
  const { clientId, clientSecret, ...others } = body;
  // RFC 6749, 2.3: one method in each request; 3.2.1: the id alone may stand in the body too
  if (clientSecret !== undefined || (clientId !== undefined && clientId !== id)) {
    throw malformed('the credentials are in the Authorization header and in the body: send them once');
  }
  return parsed({ ...others, clientId: id, clientSecret: secret });
}

/** The log-in came by `Authorization: Basic`: a refusal names that scheme (RFC 6749, 5.2). */
export function usesBasic({ headers: { authorization } }: IncomingMessage): boolean {
  return BASIC_SCHEME.test(authorization ?? '');
}

export function oauthRefusal(oauthError: OAuthError, field: string, message: string): GatewayError {
  return new GatewayError('badRequest', `"${field}" ${message}`, {
    errors: [{ field, message }],
    oauthError,
  });
}

async function formIn(request: IncomingMessage): Promise<JsonObject> {
  const { client_id: clientId, client_secret: clientSecret, ...others } = await readForm(request);
  if (others['grant_type'] === undefined) throw oauthRefusal('invalid_request', 'grant_type', 'is missing');
  return {
    ...others,
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
  };
}

/** RFC 6749, 2.3.1: each half is encoded as in a form, then both are as RFC 7617 has it. */
function basicPair({ headers: { authorization = '' } }: IncomingMessage): { id: string; secret: string } {
  try {
    const encoded = BASIC.exec(authorization)?.[1] ?? '';
    const pair = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
    const colon = pair.indexOf(':');
    if (colon > 0)
      return { id: formDecoded(pair.slice(0, colon)), secret: formDecoded(pair.slice(colon + 1)) };
  } catch {
    // no UTF-8, or a malformed percent-encoding: as malformed as what has no colon
  }
  throw malformed('the Authorization header is malformed: Basic is followed by base64 of "id:secret"');
}

function formDecoded(part: string): string {
  return decodeURIComponent(part.replaceAll('+', ' '));
}

function malformed(message: string): GatewayError {
  return new GatewayError('badRequest', message, { oauthError: 'invalid_request' });
}

function parsed(body: unknown): Credentials {
  if (isJsonObject(body) && !GRANT_TYPES.has(body['grant_type'])) {
    throw oauthRefusal('unsupported_grant_type', 'grant_type', `must be ${GRANT_TYPE}`);
  }
  try {
    return parseWith(credentials, body, 'credentials');
  } catch (error) {
    const { message, errors } = error as GatewayError;
    throw new GatewayError('badRequest', message, { errors, oauthError: 'invalid_request' });
  }
}
