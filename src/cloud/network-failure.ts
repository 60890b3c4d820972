/** What Node says of a TCP or TLS connection that was not made or broke, in words that name the cause. Pure. */
import type { Endpoint, LinkEnd } from './link-end.ts';

interface Cause {
  /** Looked for in the error's code and message. */
  pattern: RegExp;
  words: (endpoint: Endpoint, error: Error) => string;
  isAboutUs?: boolean;
  concernsTime?: boolean;
}

const at = ({ host, port }: Endpoint) => `${host}:${port}`;

const CAUSES: readonly Cause[] = [
  {
    pattern: /ALERT_CERTIFICATE_EXPIRED|alert certificate expired/i,
    words: (e) => `${at(e)} refuses the certificate of this gateway: it has expired`,
    isAboutUs: true,
    concernsTime: true,
  },
  {
    pattern: /ALERT_CERTIFICATE_REVOKED|alert certificate revoked/i,
    words: (e) => `${at(e)} refuses the certificate of this gateway: it was revoked`,
    isAboutUs: true,
  },
  {
    pattern: /ALERT_UNKNOWN_CA|alert unknown ca/i,
    words: (e) => `${at(e)} refuses the certificate of this gateway: it knows nothing of who issued it`,
    isAboutUs: true,
  },
  {
    pattern: /CERTIFICATE_REQUIRED|alert certificate required|peer did not return a certificate/i,
    words: (e) => `${at(e)} refuses the connection: it was shown no certificate that it takes`,
    isAboutUs: true,
  },
  {
    pattern:
      /ALERT_(BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR)|alert (bad certificate|certificate unknown|unsupported certificate|access denied|decrypt error)/i,
    words: (e) =>
      `${at(e)} refuses the certificate of this gateway: it is unknown, revoked or switched off there`,
    isAboutUs: true,
  },
  {
    pattern: /ALERT_HANDSHAKE_FAILURE|alert handshake failure|ALERT_PROTOCOL_VERSION|alert protocol version/i,
    words: (e) => `${at(e)} and this gateway find no common form of TLS (1.2 and 1.3 are spoken here)`,
  },
  {
    pattern: /ERR_TLS_CERT_ALTNAME_INVALID/,
    words: (e, error) =>
      `${at(e)} shows a certificate for another host: ${error.message.replace(/^.*altnames: /, '').slice(0, 200)}`,
  },
  {
    pattern: /CERT_NOT_YET_VALID/,
    words: (e) => `the certificate of ${at(e)} is not valid yet`,
    concernsTime: true,
  },
  {
    pattern: /CERT_HAS_EXPIRED/,
    words: (e) => `the certificate of ${at(e)} has expired`,
    concernsTime: true,
  },
  {
    pattern:
      /SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA/,
    words: (e) => `${at(e)} shows a certificate that is not of the authority in the credentials folder`,
  },
  {
    pattern: /ERR_SSL_WRONG_VERSION_NUMBER|wrong version number|packet length too long/i,
    words: (e) => `what answers at ${at(e)} does not speak TLS`,
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|EAI_NODATA|ENODATA/,
    words: ({ host }) => `the host name ${host} cannot be resolved: is there a network, and a name server?`,
  },
  { pattern: /ECONNREFUSED/, words: (e) => `nothing answers at ${at(e)}: the connection was refused` },
  {
    pattern: /EHOSTUNREACH|ENETUNREACH|ENETDOWN/,
    words: (e) => `${at(e)} cannot be reached from this network`,
  },
  { pattern: /ETIMEDOUT/, words: (e) => `${at(e)} did not answer in time` },
  { pattern: /ECONNRESET|EPIPE/, words: (e) => `the connection to ${at(e)} was broken off` },
];

export function networkFailure(error: Error & { code?: string }, endpoint: Endpoint): LinkEnd {
  // of several addresses that were tried, the first one's error
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const text = `${(first as { code?: string }).code ?? ''} ${first.message}`;
  const cause = CAUSES.find(({ pattern }) => pattern.test(text));
  if (!cause) {
    return { code: 'CONNECTION_LOST', reason: `the connection to ${at(endpoint)} failed: ${first.message}` };
  }
  return {
    code: cause.isAboutUs ? 'AUTH_ERROR' : 'CONNECTION_LOST',
    reason: cause.words(endpoint, first),
    ...(cause.concernsTime ? { concernsTime: true } : {}),
  };
}
