/**
 * Makes one self-signed certificate for a server, in a thread of its own that ends with it: `workerData` is the
 * order, the one message the certificate in PEM form (RFC 5280, for P-256 and SHA-256).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { generate } from 'selfsigned';
import type { ServerNames } from './certificate-pair.ts';

/** RFC 5280, upper bounds: ub-common-name */
const COMMON_NAME_MAX_LENGTH = 64;
/** RFC 5280, 4.2.1.6: the tags of dNSName and iPAddress. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

export interface CertificateOrder {
  /** PEM: PKCS #8 and SPKI. */
  privateKey: string;
  publicKey: string;
  names: ServerNames;
  /** Milliseconds since 1970. */
  notBefore: number;
  notAfter: number;
}

const { privateKey, publicKey, names, notBefore, notAfter } = workerData as CertificateOrder;
const commonName = (names.hosts[0] ?? 'gate').slice(0, COMMON_NAME_MAX_LENGTH);

const { cert } = await generate([{ name: 'commonName', value: commonName }], {
  keyType: 'ec',
  curve: 'P-256',
  algorithm: 'sha256',
  keyPair: { privateKey, publicKey },
  notBeforeDate: new Date(notBefore),
  notAfterDate: new Date(notAfter),
  extensions: [
    // some browsers take no certificate of an authority for that of a server
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        ...names.hosts.map((value) => ({ type: DNS_NAME as 2, value })),
        ...names.addresses.map((ip) => ({ type: IP_ADDRESS as 7, ip })),
      ],
    },
  ],
});
parentPort?.postMessage(cert);
