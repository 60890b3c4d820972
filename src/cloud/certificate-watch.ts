/** How long this gateway's certificate counts still: told when it is loaded, and every hour. */
import type { GatewayEventBus } from '../core/events.ts';
import type { Credentials } from './credentials.ts';

const CHECK_EVERY_MS = 3_600_000;

export class CertificateWatch {
  readonly #parts: { events: GatewayEventBus; now: () => number };
  #expiresAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: { events: GatewayEventBus; now: () => number }) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#check(), CHECK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  loaded({ expiresAt }: Credentials): void {
    this.#expiresAt = expiresAt;
    this.#check();
  }

  #check(): void {
    if (this.#expiresAt === undefined) return;
    const { events, now } = this.#parts;
    events.emit('certificateChecked', {
      owner: 'the link to the cloud',
      expiresAt: this.#expiresAt,
      leftMs: this.#expiresAt - now(),
      remedy:
        'let the cloud replace it, or put a new certificate.pem and private.key into CONFIG_FOLDER: they are taken without a restart',
    });
  }
}
