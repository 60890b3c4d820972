/**
 * The second journey's core: one request to a device through its add-on, and its one result. Requests to one
 * device are carried out in the order they came; every one ends in a result, an error or its deadline.
 */
import { QueueFullError, SerialQueue } from '../lib/serial-queue.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { Operation } from '../model/operation.ts';
import type { Devices } from './devices/devices.ts';
import type { GatewayEventBus } from './events.ts';
import type { IdempotentCalls } from './idempotent-calls.ts';
import type { AddonLink } from './ports.ts';

/** Requests that may wait for one device; a further one is told to come back later. */
export const WAITING_COMMANDS_MAX = 1_000;
/** How long a caller waits where it does not say. */
export const COMMAND_TIMEOUT_MS = 20_000;

/** The protocol whose devices are sent path, method and query besides the body. */
export const HTTP_PROTOCOL = 'http';

export interface CommandsParts {
  devices: Devices;
  link: AddonLink;
  events: GatewayEventBus;
  repeatable: IdempotentCalls;
  now: () => number;
  /** Milliseconds that only ever grow, whatever is done to the system's clock. */
  monotonicNow: () => number;
}

interface Command {
  method: 'set' | 'get';
  deviceId: string;
  params: JsonObject;
  timeoutMs: number;
  /** Awaited when the command's turn has come. */
  begin?: () => Promise<void>;
}

export class Commands {
  readonly #devices: Devices;
  readonly #link: AddonLink;
  readonly #events: GatewayEventBus;
  readonly #now: () => number;
  readonly #monotonicNow: () => number;
  readonly #repeatable: IdempotentCalls;
  readonly #queues = new Map<string, SerialQueue>();

  constructor(parts: CommandsParts) {
    this.#devices = parts.devices;
    this.#link = parts.link;
    this.#events = parts.events;
    this.#now = parts.now;
    this.#monotonicNow = parts.monotonicNow;
    this.#repeatable = parts.repeatable;
  }

  /** @throws GatewayError notFound, deviceTimeout, deviceRefused, addonUnavailable, tooManyRequests */
  set(deviceId: string, params: JsonObject, timeoutMs = COMMAND_TIMEOUT_MS): Promise<JsonValue> {
    return this.#send({ method: 'set', deviceId, params, timeoutMs });
  }

  /**
   * `set` that a caller may repeat under `key`: see `IdempotentCalls`. Throws as `set`, and conflict for a key that
   * was used for another command.
   */
  setOnce(key: string, deviceId: string, params: JsonObject, timeoutMs = COMMAND_TIMEOUT_MS): Promise<void> {
    const command = JSON.stringify([deviceId, params]);
    return this.#repeatable.run(key, command, (begin) =>
      this.#send({ method: 'set', deviceId, params, timeoutMs, begin }),
    );
  }

  /** The next `setOnce` under this key is a new command, and no repeat. */
  releaseKey(key: string): void {
    this.#repeatable.release(key);
  }

  /** Asks a device for its status; the answer is also told as an event, as that of `operation`. Throws as `set`. */
  async get(
    deviceId: string,
    params: JsonObject,
    timeoutMs = COMMAND_TIMEOUT_MS,
    operation?: Pick<Operation, 'id' | 'ttl'>,
  ): Promise<JsonValue> {
    const payload = await this.#send({ method: 'get', deviceId, params, timeoutMs });
    this.#events.emit('deviceAnswered', { deviceId, payload, ts: this.#now(), operation });
    return payload;
  }

  async #send({ method, deviceId, params, timeoutMs, begin }: Command): Promise<JsonValue> {
    const { protocol } = this.#devices.get(deviceId);
    if (protocol === undefined) throw new GatewayError('badRequest', 'the gateway itself takes no commands');
    const deadlineMs = this.#monotonicNow() + timeoutMs;
    const queue = this.#queues.get(deviceId) ?? new SerialQueue(WAITING_COMMANDS_MAX);
    this.#queues.set(deviceId, queue);
    try {
      return await queue.run(async () => {
        await begin?.();
        const leftMs = Math.round(deadlineMs - this.#monotonicNow());
        if (leftMs <= 0)
          throw new GatewayError(
            'deviceTimeout',
            `device "${deviceId}" was still busy with earlier commands`,
          );
        return this.#link.request(protocol, { method, deviceId, params, timeoutMs: leftMs });
      });
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      throw new GatewayError(
        'tooManyRequests',
        `${WAITING_COMMANDS_MAX} commands already wait for device "${deviceId}"`,
        {
          retryAfterSeconds: 1,
          cause: error,
        },
      );
    } finally {
      if (queue.idle) this.#queues.delete(deviceId);
    }
  }
}
