/**
 * One paired device: polled, its health asked for, told something. What it says is handed on as it says it, or as its
 * family or its `attributes` have it; that it answers, or why it does not, is told as its availability.
 */
import { AddonError, type Clock, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { DeviceLine, otherDevice } from './device-line.ts';
import type { DeviceSetting } from './device-setting.ts';
import { bodyOf, isSuccess, jsonOrText } from './exchange-answer.ts';
import type { FamilyStatus } from './families/family.ts';
import type { HttpExchange } from './http-exchange.ts';
import { refusal } from './http-failure.ts';
import { parseCommand } from './http-parameters.ts';
import { HttpPoller, type Polled } from './http-poller.ts';

export const POLL_DEADLINE_MS = 5_000;
/** A device that is asked less often than this is not kept busy with an idle connection. */
const KEPT_CONNECTION_MAX_MS = 60_000;
/** Failures that a device at another address would show. */
const LOST = new Set([
  'unreachable',
  'timeout',
  'unresolved',
  'otherDevice',
  'otherKind',
  'notJson',
  'refused',
]);

export interface PairedDeviceParts {
  setting: DeviceSetting;
  exchange: HttpExchange;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  onReading: (data: JsonValue, ts: number) => void;
  onAvailability: (online: boolean, reason?: string) => void;
  /** A device of a family is not where it was. */
  onLost: () => void;
  onRestart: () => void;
}

/** How long one request to the device may take. */
export interface CommandLimits {
  deadlineMs: number;
  signal?: AbortSignal | undefined;
}

export class PairedDevice {
  readonly #parts: PairedDeviceParts;
  readonly #line: DeviceLine;
  readonly #pollers: HttpPoller[] = [];
  /** Why it does not answer, by what was asked. */
  readonly #trouble = new Map<'poll' | 'health', string>();
  #reported: string | undefined;
  #status: FamilyStatus | undefined;

  constructor(parts: PairedDeviceParts) {
    this.#parts = parts;
    this.#line = new DeviceLine(parts.exchange, parts.setting);
    const { polling } = parts.setting;
    this.#pollers.push(this.#poller('poll', polling.intervalMs, (signal) => this.#read(signal)));
    const { health } = polling;
    if (health)
      this.#pollers.push(
        this.#poller('health', health.intervalMs, (signal) => this.#check(health.path, signal)),
      );
  }

  start(): void {
    for (const poller of this.#pollers) poller.start();
  }

  /** Ends for good: nothing is told any more. */
  stop(): void {
    for (const poller of this.#pollers) poller.stop();
  }

  /** Its next poll comes now: something has likely changed. */
  pollSoon(): void {
    this.#pollers[0]?.soon();
  }

  /** @throws AddonError badRequest, deviceRefused, unreachable, timeout and the like */
  async set(params: JsonObject, limits: CommandLimits): Promise<JsonValue> {
    const { family } = this.#parts.setting;
    if (family === undefined || isRaw(params)) return this.#raw(params, limits);
    const { raw } = this.#status ?? (await this.#readFamily(() => limits));
    let answer: JsonValue = null;
    for (const request of family.commands(params, raw)) {
      answer = jsonOrText(await this.#line.tell(request, limits));
      family.checkAnswer(answer);
    }
    this.pollSoon();
    return answer;
  }

  /** Throws as `set`. */
  async get(params: JsonObject, limits: CommandLimits): Promise<JsonValue> {
    const { family, polling } = this.#parts.setting;
    if (family && !isRaw(params)) return (await this.#readFamily(() => limits)).values;
    return this.#raw(params, limits, polling.path);
  }

  async #raw(params: JsonObject, limits: CommandLimits, defaultPath?: string): Promise<JsonValue> {
    const { path, method, body } = parseCommand(params, defaultPath);
    const answer = await this.#line.tell({ path, method, ...(body === undefined ? {} : { body }) }, limits);
    return jsonOrText(answer);
  }

  #poller(
    asks: 'poll' | 'health',
    intervalMs: number,
    poll: (signal: AbortSignal) => Promise<Polled>,
  ): HttpPoller {
    const { clock, random, onLost, setting } = this.#parts;
    return new HttpPoller({
      intervalMs,
      poll,
      onAnswer: ({ body, ts }) => {
        if (asks === 'poll') this.#report(body, ts);
      },
      onAvailability: (online, reason) =>
        this.#noteAvailability(asks, online ? undefined : (reason ?? 'no answer')),
      onFailure: (error) => {
        if (setting.family && error instanceof AddonError && LOST.has(error.code)) onLost();
      },
      clock,
      random,
    });
  }

  async #read(signal: AbortSignal): Promise<Polled> {
    const { setting } = this.#parts;
    const reuse = setting.polling.intervalMs <= KEPT_CONNECTION_MAX_MS;
    const limits = () => ({ deadlineMs: POLL_DEADLINE_MS, signal, reuse });
    if (setting.family) {
      let measuredAt = 0;
      const { values } = await this.#readFamily(limits, (ts) => {
        measuredAt = ts;
      });
      return { body: values, ts: measuredAt };
    }
    const answer = await this.#line.ask({ method: 'GET', path: setting.polling.path }, limits());
    const body = bodyOf(answer);
    return { body: setting.selection ? setting.selection.of(body) : body, ts: answer.ts };
  }

  async #readFamily(limits: () => CommandLimits, answered?: (ts: number) => void): Promise<FamilyStatus> {
    const { family, identity } = this.#parts.setting;
    if (family === undefined)
      throw new AddonError('internal', 'a generic device was read as one of a family');
    const status = await family.read(this.#line.reading(limits, answered));
    if (identity !== undefined && status.id !== undefined && status.id !== identity) {
      throw otherDevice(this.#line.place, { wanted: identity, found: status.id });
    }
    const before = this.#status?.uptimeSeconds;
    this.#status = status;
    if (before !== undefined && status.uptimeSeconds !== undefined && status.uptimeSeconds < before) {
      this.#parts.onRestart();
    }
    return status;
  }

  async #check(path: string, signal: AbortSignal): Promise<Polled> {
    const answer = await this.#line.ask(
      { method: 'GET', path },
      { deadlineMs: POLL_DEADLINE_MS, signal, reuse: true },
    );
    if (!isSuccess(answer)) throw refusal('refused', answer);
    return { body: null, ts: answer.ts };
  }

  #report(data: JsonValue, ts: number): void {
    const { onReading, setting } = this.#parts;
    if (setting.polling.onlyChanges) {
      const text = comparable(data);
      if (text === this.#reported) return;
      onReading(data, ts);
      this.#reported = text;
    } else onReading(data, ts);
  }

  #noteAvailability(asked: 'poll' | 'health', trouble: string | undefined): void {
    if (trouble === undefined) this.#trouble.delete(asked);
    else this.#trouble.set(asked, trouble);
    const [reason] = this.#trouble.values();
    if (reason === undefined) this.#parts.onAvailability(true);
    else this.#parts.onAvailability(false, reason);
  }
}

/** The documented form: a path of the device's own. */
function isRaw(params: JsonObject): boolean {
  return 'path' in params;
}

/** What changes with every answer of a device is no change of it. */
function comparable(data: JsonValue): string {
  if (!isJsonObject(data)) return JSON.stringify(data);
  const { uptime: _uptime, rssi: _rssi, wifi_strength: _strength, ...rest } = data;
  return JSON.stringify(rest);
}
