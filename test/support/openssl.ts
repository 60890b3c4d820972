/** Certificates as an administrator makes them: by the openssl program. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MadePair {
  certificate: string;
  key: string;
  certificatePath: string;
  keyPath: string;
}

/** A self-signed pair for 127.0.0.1 and localhost, in two files of `folder`. */
export function makePair(folder: string, name: string, { days = 365 }: { days?: number } = {}): MadePair {
  const certificatePath = join(folder, `${name}.pem`);
  const keyPath = join(folder, `${name}.key`);
  const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const files = ['-keyout', keyPath, '-out', certificatePath];
  execFileSync('openssl', ['req', ...options, ...subject, '-days', String(days), ...files], {
    stdio: 'ignore',
    timeout: 20_000,
  });
  return {
    certificate: readFileSync(certificatePath, 'utf8'),
    key: readFileSync(keyPath, 'utf8'),
    certificatePath,
    keyPath,
  };
}

/** The certificate with letters in the place of its dates' digits (RFC 5280, 4.1.2.5.1): damaged, and readable otherwise. */
export function withoutDates(certificate: string): string {
  const der = Buffer.from(certificate.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const UTC_TIME = Buffer.from([0x17, 13]);
  for (let at = der.indexOf(UTC_TIME); at !== -1; at = der.indexOf(UTC_TIME, at + 1)) der.write('xx', at + 2);
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
