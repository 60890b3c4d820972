/**
 * The certificate that this box makes for itself (`TLS=self-signed`), once: it is kept in a folder, so that who trusts
 * it by its fingerprint or by the file itself may go on doing so. It is made anew before it expires, with the same key,
 * and when what is kept cannot be used.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { damagedName } from '../../lib/damaged-name.ts';
import type { Dispose } from '../../lib/event-bus.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CertificateOrder } from './certificate-maker.ts';
import { type CertificatePair, namesMissingIn, pairOf, type ServerNames } from './certificate-pair.ts';
import type { CertificateSource } from './server-certificate.ts';

const DAY_MS = 86_400_000;
/** Some clients take no certificate for a server that is valid for longer than 825 days. */
export const VALID_DAYS = 800;
/** With so much left it is made anew. */
export const RENEW_BEFORE_DAYS = 60;
/** A client whose clock is behind by less takes a new certificate too. */
const BACKDATED_MS = DAY_MS;
/** P-256, as OpenSSL calls it. */
const CURVE = 'prime256v1';
const CERTIFICATE_FILE = 'certificate.pem';
const KEY_FILE = 'private.key';

export interface OwnCertificateParts {
  /** Made where it is missing. */
  folder: string;
  /** What callers know this box by. */
  names: ServerNames;
  logger: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class OwnCertificate implements CertificateSource {
  readonly remedy = 'gate makes a new one by itself, with the next minute; its log says what keeps it';
  readonly #parts: OwnCertificateParts;

  constructor(parts: OwnCertificateParts) {
    this.#parts = parts;
  }

  async load(): Promise<CertificatePair> {
    const { logger, names, folder } = this.#parts;
    const kept = await this.#kept();
    if (kept === undefined || this.#isDue(kept)) return this.#make();
    const missing = namesMissingIn(kept, names);
    if (missing.length > 0) {
      logger.warn(
        { missing },
        `TLS: the certificate does not have ${missing.join(', ')}: clients that check names refuse it there. ` +
          `To have a new one, remove ${join(folder, CERTIFICATE_FILE)} and start gate again`,
      );
    }
    return kept;
  }

  async refresh(current: CertificatePair): Promise<CertificatePair | undefined> {
    return this.#isDue(current) ? this.#make() : undefined;
  }

  watch(): Dispose {
    return () => {};
  }

  #isDue({ expiresAt }: CertificatePair): boolean {
    return expiresAt - this.#parts.now() < RENEW_BEFORE_DAYS * DAY_MS;
  }

  async #kept(): Promise<CertificatePair | undefined> {
    const { folder, logger } = this.#parts;
    const [certificate, key] = await Promise.all(
      [CERTIFICATE_FILE, KEY_FILE].map((name) => this.#read(name)),
    );
    if (certificate === undefined || key === undefined) return undefined;
    // a backup that was put back may have lost its mode
    await chmod(join(folder, KEY_FILE), 0o600).catch(() => {});
    try {
      return pairOf(certificate, key, {
        certificate: join(folder, CERTIFICATE_FILE),
        key: join(folder, KEY_FILE),
      });
    } catch (error) {
      logger.warn({ err: error }, `TLS: a new certificate is made: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** @returns undefined where it is not there; what cannot be read is set aside, or nothing could take its place */
  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#parts.folder, name), 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') await this.#setAside(name, message);
      return undefined;
    }
  }

  async #setAside(name: string, reason: string): Promise<void> {
    const { folder, now, logger } = this.#parts;
    const path = join(folder, name);
    const aside = damagedName(path, now());
    await rename(path, aside).then(
      () =>
        logger.warn(`TLS: ${path} cannot be read (${reason}): it was set aside as ${aside}, and made anew`),
      (error) => logger.warn({ err: error }, `TLS: ${path} cannot be read (${reason})`),
    );
  }

  async #make(): Promise<CertificatePair> {
    const { folder, names, now, logger } = this.#parts;
    const key = (await this.#keptKey()) ?? newKey();
    const notBefore = now() - BACKDATED_MS;
    const certificate = await ordered({
      ...key,
      names,
      notBefore,
      notAfter: now() + VALID_DAYS * DAY_MS,
    });
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // the key first: with a certificate alone the next start would make both anew
      await write(join(folder, KEY_FILE), key.privateKey, 0o600);
      await write(join(folder, CERTIFICATE_FILE), certificate, 0o644);
    } catch (error) {
      logger.warn(
        { err: error },
        `TLS: the new certificate could not be kept in ${folder}: the next start makes another one`,
      );
    }
    return pairOf(certificate, key.privateKey, { certificate: 'the new certificate', key: 'its key' });
  }

  /** The key that is kept, where it is one: who pinned it need not notice the new certificate. */
  async #keptKey(): Promise<KeyPems | undefined> {
    const kept = await this.#read(KEY_FILE);
    const key = kept === undefined ? undefined : keyPems(kept);
    if (kept !== undefined && key === undefined) await this.#setAside(KEY_FILE, 'it is no key of gate');
    return key;
  }
}

type KeyPems = Pick<CertificateOrder, 'privateKey' | 'publicKey'>;

function newKey(): KeyPems {
  return generateKeyPairSync('ec', {
    namedCurve: CURVE,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

/** Undefined for anything but a key as `newKey` makes it. */
function keyPems(privateKey: string): KeyPems | undefined {
  try {
    const key = createPrivateKey(privateKey);
    if (key.asymmetricKeyDetails?.namedCurve !== CURVE) return undefined;
    return {
      privateKey,
      publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string,
    };
  } catch {
    return undefined;
  }
}

/** Made in a thread of its own: what the library takes, 25 MB, is given back with it. */
function ordered(order: CertificateOrder): Promise<string> {
  const file = import.meta.url.endsWith('.ts') ? './certificate-maker.ts' : './certificate-maker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the certificate's maker ended with ${code}`)));
  });
}

/** Whole or not at all, whatever happens meanwhile. */
async function write(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  {
    await using file = await open(temporary, 'w', mode);
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  }
  await rename(temporary, path);
}
