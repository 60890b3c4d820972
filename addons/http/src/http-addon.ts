/** The HTTP devices of one gateway: pairing, polling, commands. A device is spoken to only at its paired address. */
import {
  type Addon,
  AddonError,
  type AddonHandlers,
  type Clock,
  type ConfigMessage,
  type DeviceConfig,
  type DeviceRequest,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '@gate/addon-sdk';
import { type ExchangeAnswer, parseBody } from './exchange-answer.ts';
import type { HttpExchange } from './http-exchange.ts';
import { refusal } from './http-failure.ts';
import {
  type HttpAddress,
  type HttpCommand,
  type PollParameters,
  parseAddress,
  parseCommand,
  parsePolling,
} from './http-parameters.ts';
import { HttpPoller } from './http-poller.ts';

export const POLL_DEADLINE_MS = 5_000;
/** A command ends so much before its deadline, that its reason still arrives in time. */
const ANSWER_MARGIN_MS = 200;

/** What HTTP devices' readings and answers look like: docs of the API, "OP: Get data for a specific device". */
type Wrapped = { type: 'data'; message: { data: JsonValue } };

export interface HttpAddonParts {
  exchange: HttpExchange;
  /** Where readings, availability and events go. */
  gate: Pick<Addon, 'report' | 'availability' | 'event' | 'log'>;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

interface PairedDevice {
  /** Tells whether a new config changes anything for this device. */
  signature: string;
  address: HttpAddress;
  polling: PollParameters;
  poller: HttpPoller;
}

export class HttpAddon {
  readonly #parts: HttpAddonParts;
  readonly #devices = new Map<string, PairedDevice>();

  constructor(parts: HttpAddonParts) {
    this.#parts = parts;
  }

  readonly handlers: AddonHandlers = {
    configure: (config) => this.#configure(config),
    pair: (request) => this.#pair(request),
    cancelPairing: () => null,
    set: (request) => this.#command(request),
    get: (request) => this.#command(request, this.#device(request.deviceId).polling.path),
    remove: ({ deviceId }) => this.#forget(deviceId),
    stop: () => {
      for (const deviceId of [...this.#devices.keys()]) this.#forget(deviceId);
      this.#parts.exchange.close();
    },
  };

  #configure({ devices }: ConfigMessage): void {
    const paired = devices.filter(({ address }) => address !== null);
    const wanted = new Set(paired.map(({ id }) => id));
    for (const deviceId of [...this.#devices.keys()]) if (!wanted.has(deviceId)) this.#forget(deviceId);
    for (const device of paired) this.#apply(device);
  }

  /** One device that cannot be understood is told of, and keeps none of the others from working. */
  #apply({ id, address, parameters }: DeviceConfig): void {
    const { gate } = this.#parts;
    const signature = JSON.stringify([address, parameters['path'], parameters['interval']]);
    if (this.#devices.get(id)?.signature === signature) return;
    this.#forget(id);
    try {
      const parsed = { address: parseAddress(address), polling: parsePolling(parameters) };
      const poller = this.#poller(id, parsed.address, parsed.polling);
      this.#devices.set(id, { signature, ...parsed, poller });
      poller.start();
    } catch (error) {
      gate.log.error(`device ${id} cannot be polled`, error);
      gate.availability(id, false, (error as Error).message);
    }
  }

  #poller(deviceId: string, address: HttpAddress, { path, intervalMs }: PollParameters): HttpPoller {
    const { exchange, gate, clock, random } = this.#parts;
    return new HttpPoller({
      intervalMs,
      poll: async (signal) => {
        const request = { method: 'GET', path, deadlineMs: POLL_DEADLINE_MS, signal, reuse: true } as const;
        const answer = await exchange.ask(address, request);
        return { body: bodyOf(answer), ts: answer.ts };
      },
      onAnswer: ({ body, ts }) => gate.report(deviceId, wrapped(body), { ts }),
      onAvailability: (online, reason) => gate.availability(deviceId, online, reason),
      clock,
      random,
    });
  }

  async #pair({ deviceId, params, signal }: DeviceRequest): Promise<JsonValue> {
    const parameters = isJsonObject(params['parameters']) ? params['parameters'] : {};
    const address = parseAddress(parameters);
    const { path } = parsePolling(parameters);
    const request = { method: 'GET', path, deadlineMs: POLL_DEADLINE_MS, signal } as const;
    bodyOf(await this.#parts.exchange.ask(address, request));
    this.#parts.gate.event({ type: 'joined', deviceId });
    return { ...address };
  }

  async #command(
    { deviceId, params, deadline, signal }: DeviceRequest,
    defaultPath?: string,
  ): Promise<JsonValue> {
    const { address } = this.#device(deviceId);
    const command: HttpCommand = parseCommand(params, defaultPath);
    const deadlineMs = Math.max(1, deadline - this.#parts.clock.now() - ANSWER_MARGIN_MS);
    const answer = await this.#parts.exchange.ask(address, { ...command, deadlineMs, signal });
    if (!isSuccess(answer)) throw refusal('deviceRefused', answer);
    return wrapped(jsonOrText(answer));
  }

  #forget(deviceId: string): null {
    this.#devices.get(deviceId)?.poller.stop();
    this.#devices.delete(deviceId);
    return null;
  }

  #device(deviceId: string): PairedDevice {
    const device = this.#devices.get(deviceId);
    if (device) return device;
    throw new AddonError('notPaired', `device "${deviceId}" is not paired`, { hint: 'pair it first' });
  }
}

/** @throws AddonError refused, notJson */
function bodyOf(answer: ExchangeAnswer): JsonValue {
  if (!isSuccess(answer)) throw refusal('refused', answer);
  return parseBody(answer);
}

function jsonOrText(answer: ExchangeAnswer): JsonValue {
  try {
    return parseBody(answer);
  } catch {
    return answer.text;
  }
}

function isSuccess({ status }: ExchangeAnswer): boolean {
  return status >= 200 && status < 300;
}

function wrapped(data: JsonValue): Wrapped & JsonObject {
  return { type: 'data', message: { data } };
}
