/**
 * The certificate of `TLS_CERT` and `TLS_KEY`, read again when it is renewed. Whatever renews it may replace files,
 * links or whole folders: the folders are watched, and the files read every 10 s in case that nothing was seen.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Dispose } from '../../lib/event-bus.ts';
import { GatewayError } from '../../model/error.ts';
import { type CertificatePair, pairOf } from './certificate-pair.ts';
import type { CertificateSource } from './server-certificate.ts';

const NAMES = { certificate: 'TLS_CERT', key: 'TLS_KEY' };
/** A chain has some 10 KB. */
const FILE_MAX_BYTES = 1024 * 1024;
const READ_AGAIN_MS = 10_000;
/** A renewal writes several files: they are read when it has been quiet for so long. */
const QUIET_MS = 200;

export class GivenCertificate implements CertificateSource {
  readonly remedy = 'put a new one in the place of TLS_CERT and TLS_KEY: it is taken without a restart';
  readonly #files: { certificate: string; key: string };
  readonly #readAgainMs: number;

  constructor(parts: { certificate: string; key: string; readAgainMs?: number }) {
    this.#files = { certificate: parts.certificate, key: parts.key };
    this.#readAgainMs = parts.readAgainMs ?? READ_AGAIN_MS;
  }

  /** @throws GatewayError badSetting naming the variable */
  async load(): Promise<CertificatePair> {
    const { certificate, key } = await this.#read();
    return this.#pairOf(certificate, key);
  }

  async refresh(current: CertificatePair): Promise<CertificatePair | undefined> {
    const { certificate, key } = await this.#read();
    if (certificate === current.certificate && key === current.key) return undefined;
    return this.#pairOf(certificate, key);
  }

  watch(changed: () => void): Dispose {
    let quiet: NodeJS.Timeout | undefined;
    const watched = new WatchedFolders([...new Set(Object.values(this.#files).map(dirname))], () => {
      clearTimeout(quiet);
      quiet = setTimeout(changed, QUIET_MS);
    });
    watched.renew();
    const timer = setInterval(() => {
      watched.renew();
      changed();
    }, this.#readAgainMs);
    return () => {
      clearInterval(timer);
      clearTimeout(quiet);
      watched.close();
    };
  }

  async #read(): Promise<{ certificate: string; key: string }> {
    const certificate = await readBounded(this.#files.certificate, NAMES.certificate);
    return { certificate, key: await readBounded(this.#files.key, NAMES.key) };
  }

  #pairOf(certificate: string, key: string): CertificatePair {
    return pairOf(certificate, key, {
      certificate: `${NAMES.certificate} (${this.#files.certificate})`,
      key: `${NAMES.key} (${this.#files.key})`,
    });
  }
}

async function readBounded(path: string, variable: string): Promise<string> {
  try {
    await using file = await open(path);
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size > FILE_MAX_BYTES) throw new Error(`it has more than ${FILE_MAX_BYTES} bytes`);
    return await file.readFile('utf8');
  } catch (cause) {
    throw new GatewayError(
      'badSetting',
      `${variable} (${path}) cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** Watches folders by their path: `renew` follows a path that leads to another folder by now. */
class WatchedFolders {
  readonly #paths: readonly string[];
  readonly #changed: () => void;
  readonly #watchers = new Map<string, { watcher: FSWatcher; identity: string }>();

  constructor(paths: readonly string[], changed: () => void) {
    this.#paths = paths;
    this.#changed = changed;
  }

  renew(): void {
    for (const path of this.#paths) {
      const identity = identityOf(path);
      const before = this.#watchers.get(path);
      if (before?.identity === identity) continue;
      before?.watcher.close();
      this.#watchers.delete(path);
      if (identity !== undefined) this.#watch(path, identity);
    }
  }

  close(): void {
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** A folder that cannot be watched is left to the reading every 10 s. */
  #watch(path: string, identity: string): void {
    try {
      const watcher = watch(path, this.#changed);
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(path);
      });
      this.#watchers.set(path, { watcher, identity });
    } catch {
      this.#watchers.delete(path);
    }
  }
}

function identityOf(folder: string): string | undefined {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
