/**
 * What the published API calls `principal`: the SHA-256 of the certificate with which this gateway proves itself, that
 * of the credentials folder. A gateway that stands alone has none.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const NONE = 'N/A';

/** In lower-case hexadecimal digits, or `N/A` where there is no certificate that can be read. */
export async function principalIn(configFolder: string): Promise<string> {
  try {
    const certificate = new X509Certificate(await readFile(join(configFolder, 'certificate.pem')));
    return principalOf(certificate.fingerprint256);
  } catch {
    return NONE;
  }
}

/** @param fingerprint `AB:CD:…` */
export function principalOf(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}
