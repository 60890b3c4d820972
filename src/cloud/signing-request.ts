/**
 * A request for a certificate (PKCS #10, RFC 2986) for a P-256 key, signed with SHA-256 (RFC 5758, 3.2), in the few
 * forms of DER (X.690) that it takes. It is only ever written, never parsed.
 */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const SEQUENCE = 0x30;
const SET = 0x31;
/** [0], constructed: the attributes, of which there are none. */
const ATTRIBUTES = 0xa0;
/** 2.5.4.3 and 1.2.840.10045.4.3.2 */
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const VERSION_0 = Buffer.from([0]);
/** RFC 5280: ub-common-name */
const COMMON_NAME_MAX_CHARS = 64;
const PEM_LINE_CHARS = 64;

/** In PEM form. */
export function signingRequest(key: KeyObject, commonName: string): string {
  const name = Buffer.from(commonName.slice(0, COMMON_NAME_MAX_CHARS));
  const subject = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, name))));
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const info = der(SEQUENCE, der(INTEGER, VERSION_0), subject, publicKey, der(ATTRIBUTES));
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', info, key)]);
  const request = der(SEQUENCE, info, der(SEQUENCE, ECDSA_WITH_SHA256), der(BIT_STRING, signature));
  const lines = request.toString('base64').match(new RegExp(`.{1,${PEM_LINE_CHARS}}`, 'g')) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join(
    '\n',
  );
}

/** One value: its tag, its length in as few bytes as that takes (X.690, 10.1), its content. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
