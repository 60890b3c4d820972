/**
 * A certificate with its private key, looked at before it is used. A certificate may be followed by its chain. The
 * words of an error begin with which of the two is wrong.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { timesOf } from '../../lib/certificate-times.ts';
import { GatewayError } from '../../model/error.ts';

export interface CertificatePair {
  /** PEM, the certificate first and then its chain. */
  certificate: string;
  /** PEM. */
  key: string;
  /** SHA-256 of the certificate, as openssl prints it: `AB:CD:…`. */
  fingerprint: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** What the two are called in an error: settings, or files. */
export interface PairNames {
  certificate: string;
  key: string;
}

/** @throws GatewayError badSetting naming the one that is wrong */
export function pairOf(certificate: string, key: string, names: PairNames): CertificatePair {
  const parsed = parsedCertificate(certificate, names.certificate);
  if (!parsed.checkPrivateKey(parsedKey(key, names.key))) {
    throw new GatewayError('badSetting', `${names.key} is not the private key of ${names.certificate}`);
  }
  const times = timesOf(parsed);
  if (!times) {
    throw new GatewayError('badSetting', `${names.certificate} does not say until when it is valid`);
  }
  return { certificate, key, fingerprint: parsed.fingerprint256, expiresAt: times.expiresAt };
}

function parsedCertificate(text: string, name: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw new GatewayError('badSetting', `${name} holds no certificate in PEM form`, { cause });
  }
}

function parsedKey(text: string, name: string): KeyObject {
  if (/ENCRYPTED/.test(text)) {
    throw new GatewayError(
      'badSetting',
      `${name} is encrypted: it must be a private key without a passphrase`,
    );
  }
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new GatewayError('badSetting', `${name} holds no private key in PEM form`, { cause });
  }
}

/** Whether a client that checks names takes this certificate for each of them; those that it would not. */
export function namesMissingIn({ certificate }: CertificatePair, names: ServerNames): string[] {
  const parsed = new X509Certificate(certificate);
  return [
    ...names.hosts.filter((host) => parsed.checkHost(host) === undefined),
    ...names.addresses.filter((address) => parsed.checkIP(address) === undefined),
  ];
}

export interface ServerNames {
  hosts: readonly string[];
  addresses: readonly string[];
}
