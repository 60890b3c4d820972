/** From when and until when a certificate is valid (RFC 5280, 4.1.2.5). */
import type { X509Certificate } from 'node:crypto';

export interface CertificateTimes {
  /** Milliseconds since 1970. */
  validFrom: number;
  expiresAt: number;
}

/**
 * Undefined where a date is damaged, in a certificate that can be read otherwise. Out of its words: Node's `validToDate`
 * holds whatever was in memory then.
 */
export function timesOf({ validFrom, validTo }: X509Certificate): CertificateTimes | undefined {
  const times = { validFrom: Date.parse(validFrom), expiresAt: Date.parse(validTo) };
  return Number.isNaN(times.validFrom) || Number.isNaN(times.expiresAt) ? undefined : times;
}
