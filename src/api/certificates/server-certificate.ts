/**
 * The certificate that the API's port shows: loaded at the start, taken anew when its source has another, looked at
 * every minute. A new one that cannot be used changes nothing but health: the one before is served on.
 */
import { createSecureContext } from 'node:tls';
import type { GatewayEventBus } from '../../core/events.ts';
import type { Health } from '../../core/health.ts';
import type { Dispose } from '../../lib/event-bus.ts';
import type { Logger } from '../../lib/logger.ts';
import { GatewayError } from '../../model/error.ts';
import type { CertificatePair } from './certificate-pair.ts';

/** Its line in `/health/ready`. */
export const TLS_PART = 'tls';
const CHECK_INTERVAL_MS = 60_000;

/** Where a certificate comes from. */
export interface CertificateSource {
  /** What a person does to have a new one. */
  readonly remedy: string;
  /** @throws GatewayError badSetting */
  load(): Promise<CertificatePair>;
  /** Another one than `current`, where there is one now. Throws when what is there cannot be used. */
  refresh(current: CertificatePair): Promise<CertificatePair | undefined>;
  /** Calls `changed` when `refresh` might have something new. */
  watch(changed: () => void): Dispose;
}

export interface ServerCertificateParts {
  source: CertificateSource;
  health: Health;
  events: GatewayEventBus;
  logger: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  checkIntervalMs?: number;
}

export class ServerCertificate {
  readonly #parts: ServerCertificateParts;
  readonly #listeners = new Set<(pair: CertificatePair) => void>();
  #pair: CertificatePair | undefined;
  #trouble: string | undefined;
  #refreshing: Promise<void> = Promise.resolve();
  #waiting = false;
  #stopped = false;
  #disposers: Dispose[] = [];

  constructor(parts: ServerCertificateParts) {
    this.#parts = parts;
  }

  /** @throws GatewayError badSetting */
  async start(): Promise<void> {
    const { source, logger } = this.#parts;
    this.#take(await source.load());
    logger.info(this.#shown(), `TLS: the certificate's SHA-256 is ${this.#pair?.fingerprint}`);
    const timer = setInterval(() => this.#refresh(), this.#parts.checkIntervalMs ?? CHECK_INTERVAL_MS);
    this.#disposers = [source.watch(() => this.#refresh()), () => clearInterval(timer)];
    this.#report();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const dispose of this.#disposers.splice(0)) dispose();
    await this.#refreshing;
  }

  /** Calls `listener` with the pair there is, and with each later one. */
  onPair(listener: (pair: CertificatePair) => void): void {
    this.#listeners.add(listener);
    if (this.#pair) listener(this.#pair);
  }

  /** One at a time, and one more when something came meanwhile. */
  #refresh(): void {
    if (this.#waiting || this.#stopped) return;
    this.#waiting = true;
    this.#refreshing = this.#refreshing.then(async () => {
      this.#waiting = false;
      if (!this.#stopped) await this.#refreshOnce();
    });
  }

  async #refreshOnce(): Promise<void> {
    const { source, logger } = this.#parts;
    const before = this.#pair as CertificatePair;
    try {
      const pair = await source.refresh(before);
      if (pair) {
        this.#take(pair);
        logger.info(
          { ...this.#shown(), before: before.fingerprint },
          `TLS: there is a new certificate, its SHA-256 is ${pair.fingerprint}`,
        );
      }
      this.#trouble = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (this.#trouble !== message)
        logger.warn({ err: error }, `TLS: a new certificate was not taken: ${message}`);
      this.#trouble = message;
    }
    if (!this.#stopped) this.#report();
  }

  /** @throws GatewayError badSetting: openssl has demands of its own, such as the length of a key */
  #take(pair: CertificatePair): void {
    try {
      createSecureContext({ cert: pair.certificate, key: pair.key });
    } catch (cause) {
      throw new GatewayError('badSetting', `the certificate cannot be used: ${(cause as Error).message}`, {
        cause,
        hint: this.#parts.source.remedy,
      });
    }
    this.#pair = pair;
    for (const listener of this.#listeners) listener(pair);
  }

  #report(): void {
    const { health, events, source, now } = this.#parts;
    const { expiresAt } = this.#pair as CertificatePair;
    const leftMs = expiresAt - now();
    const reasons = [
      ...(leftMs <= 0 ? [`the certificate expired at ${isoSecond(expiresAt)}: ${source.remedy}`] : []),
      ...(this.#trouble === undefined
        ? []
        : [`${this.#trouble}; the certificate loaded before is served on`]),
    ];
    health.report(TLS_PART, reasons.length > 0 ? 'degraded' : 'running', reasons.join('; ') || undefined);
    health.note(TLS_PART, this.#shown());
    events.emit('certificateChecked', { owner: 'the API', expiresAt, leftMs, remedy: source.remedy });
  }

  #shown(): { fingerprint: string; validTo: string } {
    const { fingerprint, expiresAt } = this.#pair as CertificatePair;
    return { fingerprint, validTo: isoSecond(expiresAt) };
  }
}

/** Certificates count by the second. */
function isoSecond(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
