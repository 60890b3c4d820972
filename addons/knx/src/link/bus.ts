/**
 * The bus as the rest of the add-on sees it: telegrams go out in order, one at a time, and wait while there is no link;
 * the link is built again with back-off. A telegram that was under way when the link broke is sent again: none is lost,
 * one may come twice.
 */
import { AddonError, backoffMs, type Clock } from '@gate/addon-sdk';
import type { GroupTelegram } from '../wire/cemi.ts';
import { type Connector, type Link, LinkLost, type OutgoingTelegram } from './link.ts';

/** Telegrams that may wait; a further one is told to come back later. */
export const WAITING_TELEGRAMS_MAX = 5_000;
const BACKOFF = { minMs: 250, maxMs: 20_000 };
/** A link that held so long was a good one: the next attempt comes soon again. */
const STABLE_MS = 10_000;

export interface BusParts {
  connector: Connector;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  onTelegram: (telegram: GroupTelegram) => void;
  onUp: (link: Link) => void;
  /** Also for each further attempt that failed. */
  onDown: (reason: AddonError) => void;
}

export interface SendOptions {
  /** Gives it up, whether it waits or is under way. */
  signal?: AbortSignal;
  /** Goes out only when nothing else waits. */
  background?: boolean;
}

interface Waiting {
  telegram: OutgoingTelegram;
  /** It was handed to a link once: the bus may have it. */
  tried: boolean;
  resolve: () => void;
  reject: (error: Error) => void;
}

export class Bus {
  readonly #parts: BusParts;
  readonly #urgent: Waiting[] = [];
  readonly #background: Waiting[] = [];
  readonly #awaitingLink = new Set<() => void>();
  #link: Link | undefined;
  #downReason: AddonError | undefined;
  #attempt = 0;
  #pumping = false;
  #stopped = false;
  #cancelRetry: () => void = () => undefined;

  constructor(parts: BusParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    const reason = new AddonError('noLink', 'the KNX add-on is stopping, or its parameters were changed');
    for (const waiting of [...this.#urgent, ...this.#background]) waiting.reject(reason);
    await this.#link?.close();
    this.#parts.connector.close();
  }

  /**
   * Resolves once the bus has confirmed the telegram.
   * @throws AddonError noLink (no link until `signal`), notConfirmed, busy; timeout, when the bus may have it all the same
   */
  send(telegram: OutgoingTelegram, { signal, background = false }: SendOptions = {}): Promise<void> {
    const queue = background ? this.#background : this.#urgent;
    if (this.#stopped) return Promise.reject(new AddonError('noLink', 'the KNX add-on is stopping'));
    if (queue.length >= WAITING_TELEGRAMS_MAX) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const onAbort = () => waiting.reject(this.#gaveUp(waiting.tried));
      const done = () => {
        signal?.removeEventListener('abort', onAbort);
        const at = queue.indexOf(waiting);
        if (at >= 0) queue.splice(at, 1);
      };
      const waiting: Waiting = {
        telegram,
        tried: false,
        resolve: () => {
          done();
          resolve();
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      queue.push(waiting);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) onAbort();
      void this.#pump();
    });
  }

  /** Why there is no link just now; undefined while there is one. */
  get trouble(): AddonError | undefined {
    if (this.#link) return undefined;
    return this.#downReason ?? new AddonError('noLink', 'the link to the KNX bus is not up yet');
  }

  /** Resolves once there is a link. @throws AddonError noLink, when there is none until `signal` */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#link) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(this.#gaveUp(false));
    this.#awaitingLink.add(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await promise;
    } finally {
      this.#awaitingLink.delete(resolve);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #connect(): Promise<void> {
    const { connector, clock, onUp, onTelegram } = this.#parts;
    let link: Link;
    try {
      link = await connector.connect((telegram) => this.#stopped || onTelegram(telegram));
    } catch (error) {
      // what the attempt opened after `stop` had closed everything
      if (this.#stopped) connector.close();
      return this.#linkDown(asAddonError(error));
    }
    if (this.#stopped) {
      await link.close();
      return connector.close();
    }
    this.#link = link;
    this.#downReason = undefined;
    const upMs = clock.uptime();
    onUp(link);
    for (const go of this.#awaitingLink) go();
    void this.#pump();
    const reason = await link.ended;
    if (clock.uptime() - upMs >= STABLE_MS) this.#attempt = 0;
    this.#link = undefined;
    this.#linkDown(reason);
  }

  #linkDown(reason: AddonError): void {
    if (this.#stopped) return;
    this.#downReason = reason;
    this.#parts.onDown(reason);
    const waitMs = backoffMs(this.#attempt, { ...BACKOFF, random: this.#parts.random });
    this.#attempt += 1;
    this.#cancelRetry = this.#parts.clock.after(waitMs, () => void this.#connect());
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    for (;;) {
      const link = this.#link;
      const next = this.#urgent[0] ?? this.#background[0];
      if (link === undefined || next === undefined) break;
      try {
        next.tried = true;
        await link.send(next.telegram);
        next.resolve();
      } catch (error) {
        // it stays the first, and goes out again on the next link
        if (!(error instanceof LinkLost)) next.reject(asAddonError(error));
        else if (this.#link === link) this.#link = undefined;
      }
    }
    this.#pumping = false;
  }

  /** `tried`: it may be on the bus all the same. */
  #gaveUp(tried: boolean): AddonError {
    const trouble = this.trouble;
    if (trouble && tried) {
      const what = `it was under way when the link to the KNX bus broke: ${trouble.message}`;
      return new AddonError('timeout', what, { hint: 'whether the bus has it is not known: read its state' });
    }
    if (trouble)
      return new AddonError('noLink', `no link to the KNX bus: ${trouble.message}`, { hint: trouble.hint });
    return new AddonError('timeout', 'the bus did not confirm the telegram in time', {
      hint: 'is the bus overloaded? whether the telegram went out is not known',
    });
  }
}

function tooMany(): AddonError {
  return new AddonError('busy', `${WAITING_TELEGRAMS_MAX} telegrams already wait for the KNX bus`, {
    hint: 'a KNX line takes some 20 to 40 telegrams a second: send fewer, or later',
  });
}

function asAddonError(error: unknown): AddonError {
  if (error instanceof AddonError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new AddonError('internal', `KNX: ${words}`, { cause: error });
}
