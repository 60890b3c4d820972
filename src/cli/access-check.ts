/** What `gate doctor` says of who may call the gateway, and who may listen to it, by its settings. */
import type { Settings } from '../config/settings.ts';
import type { Finding } from './finding.ts';

export type AccessSettings = Pick<
  Settings,
  'ON_PREMISE_ENABLED' | 'ON_PREMISE_ANONYMOUS' | 'TLS' | 'TLS_CERT' | 'BIND' | 'PORT'
>;

const LOOPBACK = /^(127\.|::1$|localhost$)/;

export function accessFindings(settings: AccessSettings): Finding[] {
  const { ON_PREMISE_ENABLED, ON_PREMISE_ANONYMOUS, TLS, TLS_CERT, BIND, PORT } = settings;
  if (!ON_PREMISE_ENABLED) return [{ state: 'ok', what: 'the API is served on no network' }];
  if (LOOPBACK.test(BIND)) return [{ state: 'ok', what: 'the API is served to this box alone' }];
  const who = `whoever reaches port ${PORT}`;
  return [
    ON_PREMISE_ANONYMOUS === 'all'
      ? {
          state: 'warning',
          what: `${who} may control devices and change the gateway, without a token`,
          next: 'set ON_PREMISE_ANONYMOUS=read, or none',
        }
      : {
          state: 'ok',
          what:
            ON_PREMISE_ANONYMOUS === 'read'
              ? `${who} may read without a token; changes need one`
              : `${who} may do nothing without a token`,
        },
    TLS === 'off' && TLS_CERT === undefined
      ? {
          state: 'warning',
          what: `port ${PORT} speaks plain HTTP: who listens on the network reads tokens and secrets of clients`,
          next: 'set TLS=self-signed, or TLS_CERT and TLS_KEY',
        }
      : { state: 'ok', what: `port ${PORT} speaks TLS` },
  ];
}
