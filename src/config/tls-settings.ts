/** Which certificate the API's port shows, out of the three variables that say so. */
import { GatewayError } from '../model/error.ts';
import type { Settings } from './settings.ts';

export type TlsSettings =
  | { kind: 'off' }
  | { kind: 'self-signed' }
  /** Paths of two files. */
  | { kind: 'given'; certificate: string; key: string };

/** `TLS_CERT` and `TLS_KEY` together win over `TLS`. @throws GatewayError badSetting for one without the other */
export function tlsSettings({
  TLS,
  TLS_CERT: certificate,
  TLS_KEY: key,
}: Pick<Settings, 'TLS' | 'TLS_CERT' | 'TLS_KEY'>): TlsSettings {
  if (certificate !== undefined && key !== undefined) return { kind: 'given', certificate, key };
  if (certificate === undefined && key === undefined) return { kind: TLS };
  const [given, missing] = certificate === undefined ? ['TLS_KEY', 'TLS_CERT'] : ['TLS_CERT', 'TLS_KEY'];
  throw new GatewayError('badSetting', `${missing} is not set, but ${given} is: give both files, or neither`);
}
