/**
 * Whom an https device is taken for: by default one whose certificate the system's authorities vouch for; else one
 * vouched for by a private authority (`ca`), or exactly the one certificate whose fingerprint is pinned. There is no
 * way to verify nothing. A pinned certificate is compared before the first byte of a request is sent.
 */
import type { Agent as HttpsAgent } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { AddonError, type JsonObject } from '@gate/addon-sdk';

export interface Trust {
  /** Certificates in PEM: they alone count. */
  ca?: string;
  /** SHA-256 of the certificate: 32 pairs of capital hexadecimal digits, with colons. */
  fingerprint?: string;
}

const CA_MAX_CHARS = 32_768;
const CONNECT_MAX_MS = 15_000;
const PEM = /^\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/;

/** @throws AddonError badRequest */
export function parseTrust({ protocol, ca, fingerprint }: JsonObject): Trust | undefined {
  if (ca === undefined && fingerprint === undefined) return undefined;
  if (protocol !== 'https') throw bad('"ca" and "fingerprint" are for "protocol": "https"');
  if (ca !== undefined && fingerprint !== undefined) throw bad('give either "ca" or "fingerprint"');
  if (fingerprint !== undefined) {
    const digits = typeof fingerprint === 'string' ? fingerprint.replaceAll(':', '').toUpperCase() : '';
    if (!/^[0-9A-F]{64}$/.test(digits)) throw bad('"fingerprint" must be 64 hexadecimal digits (SHA-256)');
    return { fingerprint: (digits.match(/../g) as string[]).join(':') };
  }
  if (typeof ca !== 'string' || ca.length > CA_MAX_CHARS || !PEM.test(ca)) {
    throw bad(`"ca" must be certificates in PEM, at most ${CA_MAX_CHARS} characters`);
  }
  return { ca };
}

function bad(message: string): AddonError {
  return new AddonError('badRequest', message);
}

/** Connections to devices of this trust. */
export function trustingAgent({ ca, fingerprint }: Trust, keepAlive: boolean): HttpsAgent {
  const { Agent } = process.getBuiltinModule('node:https');
  const options = { keepAlive, maxFreeSockets: 1, maxCachedSessions: 0 };
  if (fingerprint === undefined) return new Agent({ ...options, ...(ca === undefined ? {} : { ca }) });
  const agent = new Agent(options);
  const connect: HttpsAgent['createConnection'] = (request, done) => {
    connectPinned(fingerprint, request as object, done as Done);
    return undefined;
  };
  agent.createConnection = connect;
  return agent;
}

type Done = (error: Error | null, socket?: TLSSocket) => void;

function connectPinned(fingerprint: string, request: object, done: Done): void {
  const { connect } = process.getBuiltinModule('node:tls');
  // the fingerprint is the whole check: a pinned certificate has no authority, and often no right name
  const socket = connect({ ...request, rejectUnauthorized: false });
  socket.setTimeout(CONNECT_MAX_MS, () =>
    socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
  );
  const failed = (error: Error) => done(error);
  socket.once('error', failed);
  socket.once('secureConnect', () => {
    const presented = socket.getPeerCertificate().fingerprint256;
    if (presented !== fingerprint) {
      const words = `its certificate is another one than the pinned: SHA-256 ${presented}`;
      socket.destroy(Object.assign(new Error(words), { code: 'ERR_TLS_PINNED' }));
      return;
    }
    socket.removeListener('error', failed);
    socket.setTimeout(0);
    done(null, socket);
  });
}
