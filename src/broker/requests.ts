/**
 * Requests to add-ons and their one result each: matched by id, ended by result, deadline, cancellation or the end of
 * the add-on's connection.
 */
import type { RequestMessage, ResultMessage } from '../contract/messages.ts';
import type { AddonRequest } from '../core/ports.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonValue } from '../model/json.ts';
import type { Arrivals } from './arrivals.ts';

interface Pending {
  slug: string;
  settle: (outcome: { value: JsonValue } | { error: GatewayError }) => void;
}

export interface RequestsParts {
  send: (slug: string, requestId: string, message: RequestMessage) => void;
  connected: (slug: string) => boolean;
  arrivals: Pick<Arrivals, 'wait'>;
  newId: () => string;
  now: () => number;
}

export class Requests {
  readonly #parts: RequestsParts;
  readonly #pending = new Map<string, Pending>();
  /** Makes ids unique across restarts of the gateway: an add-on that outlives one takes a repeated id for a repeat. */
  readonly #sessionId: string;
  #counter = 0;

  constructor(parts: RequestsParts) {
    this.#parts = parts;
    this.#sessionId = parts.newId();
  }

  /**
   * An add-on that is about to connect is waited for, within `timeoutMs`.
   * @throws GatewayError addonUnavailable, deviceTimeout, deviceRefused; badRequest when the add-on says so
   */
  async request(slug: string, request: AddonRequest): Promise<JsonValue> {
    const { connected, arrivals, now } = this.#parts;
    if (connected(slug)) return this.#ask(slug, request);
    const { timeoutMs, signal } = request;
    const begunAt = now();
    await arrivals.wait(slug, timeoutMs, signal);
    const leftMs = timeoutMs - Math.max(0, now() - begunAt);
    if (connected(slug) && leftMs > 0) return this.#ask(slug, { ...request, timeoutMs: leftMs });
    throw new GatewayError('addonUnavailable', `add-on "${slug}" is not running just now`, {
      hint: 'GET /health/ready says why',
      retryAfterSeconds: 5,
    });
  }

  #ask(slug: string, { method, deviceId, params, timeoutMs, signal }: AddonRequest): Promise<JsonValue> {
    const { send, now } = this.#parts;
    const requestId = `${this.#sessionId}-${(this.#counter++).toString(36)}`;
    return new Promise((resolve, reject) => {
      const cancelled = () => finish({ error: new GatewayError('deviceTimeout', `${method} was cancelled`) });
      const timer = setTimeout(() => {
        const whom = deviceId === undefined ? `add-on "${slug}"` : `device "${deviceId}"`;
        finish({
          error: new GatewayError('deviceTimeout', `${whom} did not answer ${method} within ${timeoutMs} ms`),
        });
      }, timeoutMs);
      const finish: Pending['settle'] = (outcome) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancelled);
        this.#pending.delete(requestId);
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      };
      this.#pending.set(requestId, { slug, settle: finish });
      if (signal?.aborted) return cancelled();
      signal?.addEventListener('abort', cancelled);
      send(slug, requestId, {
        method,
        ...(deviceId === undefined ? {} : { deviceId }),
        params,
        deadline: now() + timeoutMs,
      });
    });
  }

  /** @returns false when nobody waits for this result (any more) */
  settle(slug: string, requestId: string, result: ResultMessage): boolean {
    const pending = this.#pending.get(requestId);
    if (pending?.slug !== slug) return false;
    if (result.ok) pending.settle({ value: result.value ?? null });
    else pending.settle({ error: refusal(result.error) });
    return true;
  }

  /** The add-on's connection ended: nobody will answer. */
  abandon(slug: string): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.slug !== slug) continue;
      pending.settle({
        error: new GatewayError('addonUnavailable', `add-on "${slug}" ended before it answered`, {
          retryAfterSeconds: 5,
        }),
      });
    }
  }
}

/** Where an add-on's error is not the device's own word. */
const KINDS: ReadonlyMap<string, 'badRequest' | 'deviceTimeout'> = new Map([
  // what the caller sent was wrong: the device was never asked
  ['badRequest', 'badRequest'],
  // it may have been done all the same
  ['timeout', 'deviceTimeout'],
]);

function refusal({
  code,
  message,
  hint,
  deviceStatus,
}: Extract<ResultMessage, { ok: false }>['error']): GatewayError {
  return new GatewayError(KINDS.get(code) ?? 'deviceRefused', message, {
    hint,
    deviceStatus,
    reasonCode: code,
  });
}
