/**
 * The id and secret that a log-in brings: the documented JSON, a form with OAuth's names, or `Authorization: Basic`
 * (RFC 6749, 2.3.1). One way at a time. No message here may repeat what was sent: it may be a secret.
 */
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { GatewayError, type OAuthError } from '../model/error.ts';
import { parseWith } from '../model/parse.ts';

const GRANT_TYPE = 'client_credentials';
const GRANT_TYPE_MESSAGE = `must be ${GRANT_TYPE}`;
/** RFC 7617, 2 */
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;
const BASIC_SCHEME = /^Basic(?: |$)/i;

const text = (maxLength: number) => {
  const message = `must be a text of 1 to ${maxLength} characters`;
  return v.pipe(v.string(message), v.minLength(1, message), v.maxLength(maxLength, message));
};
const clientId = text(64);
const clientSecret = text(128);
const grantType = v.literal(GRANT_TYPE, GRANT_TYPE_MESSAGE);
const scope = v.optional(
  v.pipe(v.string('must be a text'), v.description('Names separated by spaces: for a token of fewer scopes')),
);

/** The documented JSON, which has no `grant_type`; id and secret may stand in the header instead. */
export const credentialsBody = v.optional(
  v.object(
    {
      grant_type: v.optional(grantType),
      clientId: v.optional(clientId),
      clientSecret: v.optional(clientSecret),
      scope,
    },
    'must be an object with clientId and clientSecret',
  ),
  {},
);
/** RFC 6749, 4.4.2, with the client's credentials as 2.3.1 has them in the body. */
export const credentialsForm = v.pipe(
  v.object({
    grant_type: grantType,
    client_id: v.optional(clientId),
    client_secret: v.optional(clientSecret),
    scope,
  }),
  v.transform(({ client_id: clientId, client_secret: clientSecret, ...others }) => ({
    ...others,
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
  })),
);
const credentials = v.object({ clientId, clientSecret, scope });
/** `scope`: names separated by spaces, where fewer are asked for than the client has. */
export type Credentials = v.InferOutput<typeof credentials>;

interface Given {
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  scope?: string | undefined;
}

/** @throws GatewayError badRequest, with OAuth's own word for it */
export function credentialsOf(
  request: IncomingMessage,
  { clientId, clientSecret, scope }: Given,
): Credentials {
  if (!usesBasic(request)) return whole({ clientId, clientSecret, scope });
  const { id, secret } = basicPair(request);
  // RFC 6749, 2.3: one method in each request; 3.2.1: the id alone may stand in the body too
  if (clientSecret !== undefined || (clientId !== undefined && clientId !== id)) {
    throw malformed('the credentials are in the Authorization header and in the body: send them once');
  }
  return whole({ clientId: id, clientSecret: secret, scope });
}

/** OAuth's word for what is wrong with a body, beside ours. */
export function refusedCredentials({ code, message, errors }: GatewayError): GatewayError {
  const isOtherGrantType = errors?.some(
    (error) => error.field === 'grant_type' && error.message === GRANT_TYPE_MESSAGE,
  );
  const oauthError = isOtherGrantType ? 'unsupported_grant_type' : 'invalid_request';
  return new GatewayError(code, message, { errors, oauthError });
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

function whole(given: Given): Credentials {
  try {
    return parseWith(credentials, given, 'credentials');
  } catch (error) {
    throw error instanceof GatewayError ? refusedCredentials(error) : error;
  }
}
