/**
 * The certificate authority of a stand-in for the cloud, by the openssl program: certificates for its broker and for
 * gateways, expired ones and revoked ones as well.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DAY_MS = 86_400_000;
const OPENSSL_DEADLINE_MS = 30_000;

export interface CertificateOrder {
  commonName: string;
  /** As openssl writes them: `IP:127.0.0.1,DNS:localhost`. */
  alternativeNames?: string;
  /** In milliseconds since 1970; from yesterday for a year where nothing is said. */
  validFrom?: number;
  expiresAt?: number;
}

export interface Pair {
  certificate: string;
  key: string;
}

/** Kept in a folder: the same authority when it is opened again. */
export class Authority {
  readonly #folder: string;

  constructor(folder: string, commonName = 'stand-in of the cloud') {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (existsSync(this.certificatePath)) return;
    writeFileSync(join(folder, 'index.txt'), '');
    writeFileSync(join(folder, 'ca.cnf'), configuration(folder));
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const files = ['-keyout', this.#path('ca.key'), '-out', this.certificatePath];
    this.#openssl('req', '-x509', ...key, '-sha256', '-days', '3650', '-subj', `/CN=${commonName}`, ...files);
  }

  get certificatePath(): string {
    return this.#path('ca.pem');
  }

  get certificate(): string {
    return readFileSync(this.certificatePath, 'utf8');
  }

  /** A key and its certificate. */
  issue(order: CertificateOrder): Pair {
    const key = this.#path('new.key');
    const csr = this.#path('new.csr');
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256'];
    this.#openssl('req', ...made, '-keyout', key, '-out', csr, '-subj', `/CN=${order.commonName}`);
    return { certificate: this.#sign(csr, order), key: readFileSync(key, 'utf8') };
  }

  /** The certificate to a request that came from outside. */
  sign(signingRequest: string, order: CertificateOrder): string {
    const csr = this.#path('given.csr');
    writeFileSync(csr, signingRequest);
    return this.#sign(csr, order);
  }

  revoke(certificate: string): void {
    const path = this.#path('revoked.pem');
    writeFileSync(path, certificate);
    this.#openssl('ca', '-config', this.#path('ca.cnf'), '-revoke', path);
  }

  /** Path of the list of revoked certificates, as of now. */
  revocations(): string {
    const path = this.#path('crl.pem');
    this.#openssl('ca', '-config', this.#path('ca.cnf'), '-gencrl', '-crldays', '30', '-out', path);
    return path;
  }

  #sign(csr: string, { commonName, alternativeNames, validFrom, expiresAt }: CertificateOrder): string {
    const out = this.#path('new.pem');
    const extensions = this.#path('new.ext');
    writeFileSync(
      extensions,
      `basicConstraints=CA:FALSE\n${alternativeNames ? `subjectAltName=${alternativeNames}\n` : ''}`,
    );
    const dates = [
      '-startdate',
      opensslTime(validFrom ?? Date.now() - DAY_MS),
      '-enddate',
      opensslTime(expiresAt ?? Date.now() + 365 * DAY_MS),
    ];
    const files = ['-in', csr, '-out', out, '-extfile', extensions];
    const subject = ['-subj', `/CN=${commonName}`];
    this.#openssl('ca', '-batch', '-notext', '-config', this.#path('ca.cnf'), ...subject, ...dates, ...files);
    return readFileSync(out, 'utf8');
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #openssl(...words: string[]): void {
    try {
      execFileSync('openssl', words, { stdio: 'pipe', timeout: OPENSSL_DEADLINE_MS });
    } catch (error) {
      throw new Error(`openssl ${words[0]}: ${String((error as { stderr?: Buffer }).stderr ?? error)}`);
    }
  }
}

/** `YYMMDDHHMMSSZ` up to 2049 (RFC 5280, 4.1.2.5). */
function opensslTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(2, 19).replace(/\D/g, '')}Z`;
}

function configuration(folder: string): string {
  return `[ca]
default_ca = own
[own]
database = ${join(folder, 'index.txt')}
new_certs_dir = ${folder}
certificate = ${join(folder, 'ca.pem')}
private_key = ${join(folder, 'ca.key')}
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
[any]
commonName = supplied
`;
}
