/**
 * Requests from gate: each is checked, run by its handler with its deadline, and answered exactly once.
 *
 * A request delivered twice runs once. At the deadline the handler's signal aborts and the answer is `timeout`; what
 * the handler still returns is dropped. Whatever a handler throws becomes an answer. Requests run side by side; an
 * order among those to one device is gate's to keep.
 */
import { PACKET_MAX_BYTES } from '../../../src/contract/limits.ts';
import { type RequestMessage, type ResultMessage, requestMessage } from '../../../src/contract/messages.ts';
import type { JsonObject, JsonValue } from '../../../src/model/json.ts';
import { parseWith } from '../../../src/model/parse.ts';
import { AddonError } from './addon-error.ts';
import type { AddonLog } from './addon-log.ts';
import type { Clock } from './clock.ts';

/** Ids of requests that are remembered to recognise a repeat. */
const REMEMBERED_REQUESTS = 2_000;
/** Requests that run at once; a further one is answered `busy`. */
export const RUNNING_MAX = 1_000;
/** Longest result, in bytes: topic and frame still fit the broker's largest packet. */
export const RESULT_MAX_BYTES = PACKET_MAX_BYTES - 1024;
/** Longest message or hint of an error, and longest code (src/contract/messages.ts). */
const TEXT_MAX_CHARS = 1_000;
const CODE_MAX_CHARS = 64;

/** Methods that always concern one device. */
const DEVICE_METHODS = new Set(['pair', 'cancelPairing', 'set', 'get', 'remove']);

export interface AddonRequest {
  method: string;
  deviceId?: string | undefined;
  params: JsonObject;
  /** Milliseconds since 1970; nobody waits for the result after it. */
  deadline: number;
  /** Aborts at the deadline and when the add-on stops. */
  signal: AbortSignal;
}
/** A request that always concerns one device: pair, cancelPairing, set, get, remove. */
export interface DeviceRequest extends AddonRequest {
  deviceId: string;
}
/** What it returns is the result's `value`, null for nothing. @throws AddonError for a result that says why not */
export type RequestHandler<Request extends AddonRequest = AddonRequest> = (
  request: Request,
) => JsonValue | undefined | Promise<JsonValue | undefined> | Promise<void>;

export interface RequestRunnerOptions {
  /** By method. */
  handlers: ReadonlyMap<string, RequestHandler<DeviceRequest>>;
  /** Sends a result. */
  answer: (requestId: string, result: ResultMessage) => void;
  clock: Clock;
  log: AddonLog;
}

export class RequestRunner {
  readonly #options: RequestRunnerOptions;
  readonly #seen = new Set<string>();
  readonly #running = new Set<RunningRequest>();

  constructor(options: RequestRunnerOptions) {
    this.#options = options;
  }

  /** A request as it came from the broker. Never throws. */
  deliver(requestId: string, payload: Buffer): void {
    if (this.#seen.has(requestId)) return;
    this.#remember(requestId);
    let request: RequestMessage;
    try {
      request = parseWith(requestMessage, JSON.parse(payload.toString()), 'request');
    } catch (error) {
      this.#refuse(requestId, new AddonError('badRequest', messageOf(error)));
      return;
    }
    const { method, deviceId, deadline } = request;
    const handler = this.#options.handlers.get(method);
    const leftMs = deadline - this.#options.clock.now();
    if (!handler) {
      this.#refuse(requestId, new AddonError('unsupported', `this add-on does not know "${method}"`));
    } else if (DEVICE_METHODS.has(method) && !deviceId) {
      this.#refuse(requestId, new AddonError('badRequest', `"${method}" needs a deviceId`));
    } else if (leftMs <= 0) {
      const hint = 'do the clocks of gateway and add-on agree?';
      this.#refuse(requestId, new AddonError('timeout', 'the deadline had passed on arrival', { hint }));
    } else if (this.#running.size >= RUNNING_MAX) {
      this.#refuse(requestId, new AddonError('busy', `${RUNNING_MAX} requests are running already`));
    } else {
      void this.#run(requestId, request, handler);
    }
  }

  /** The add-on stops: what runs is told so. */
  abort(): void {
    for (const running of this.#running) running.abort(new AddonError('stopping', 'the add-on is stopping'));
  }

  async #run(
    requestId: string,
    request: RequestMessage,
    handler: RequestHandler<DeviceRequest>,
  ): Promise<void> {
    const { clock } = this.#options;
    const running = new RunningRequest();
    this.#running.add(running);
    const cancelTimer = clock.after(request.deadline - clock.now(), () =>
      running.abort(new AddonError('timeout', `"${request.method}" did not end within its deadline`)),
    );
    try {
      // `deliver` has seen to the deviceId where the method needs one
      const given = {
        ...request,
        get signal() {
          return running.signal;
        },
      } as DeviceRequest;
      const work = async () => handler(given);
      const value = (await Promise.race([work(), running.aborted])) ?? null;
      this.#succeed(requestId, value);
    } catch (error) {
      this.#refuse(requestId, error);
    } finally {
      cancelTimer();
      this.#running.delete(running);
    }
  }

  #succeed(requestId: string, value: JsonValue): void {
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (bytes > RESULT_MAX_BYTES) {
      throw new AddonError(
        'tooLarge',
        `the result has ${bytes} bytes, at most ${RESULT_MAX_BYTES} are allowed`,
      );
    }
    this.#options.answer(requestId, { ok: true, value });
  }

  #refuse(requestId: string, error: unknown): void {
    if (!(error instanceof AddonError)) this.#options.log.error(`request ${requestId} failed`, error);
    this.#options.answer(requestId, { ok: false, error: errorOf(error) });
  }

  #remember(requestId: string): void {
    this.#seen.add(requestId);
    if (this.#seen.size <= REMEMBERED_REQUESTS) return;
    const [oldest] = this.#seen;
    this.#seen.delete(oldest as string);
  }
}

/** One that runs. Most handlers never look at their signal: it is made for those that do, since it costs time. */
class RunningRequest {
  readonly #aborted = Promise.withResolvers<never>();
  #controller: AbortController | undefined;
  #reason: AddonError | undefined;

  /** Rejects with the reason. */
  get aborted(): Promise<never> {
    return this.#aborted.promise;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The first reason counts. */
  abort(reason: AddonError): void {
    this.#reason ??= reason;
    this.#aborted.reject(this.#reason);
    this.#controller?.abort(this.#reason);
  }
}

/** An error as the contract carries it; one that is no AddonError has code `internal`. */
export function errorOf(error: unknown): Extract<ResultMessage, { ok: false }>['error'] {
  if (!(error instanceof AddonError)) return { code: 'internal', message: clip(messageOf(error)) };
  const { code, message, hint, deviceStatus } = error;
  return {
    code: code.slice(0, CODE_MAX_CHARS),
    message: clip(message),
    ...(hint === undefined ? {} : { hint: clip(hint) }),
    ...(deviceStatus === undefined ? {} : { deviceStatus }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function clip(text: string): string {
  return text.slice(0, TEXT_MAX_CHARS);
}
