/**
 * The last log lines of the gateway and of each add-on, in memory: a restart begins them anew. What came is told
 * every 5 seconds, and line by line to whoever watches.
 */
import type { Dispose } from '../lib/event-bus.ts';
import { type LogLine, LogRing, type LogType } from '../lib/log-ring.ts';
import { GatewayError } from '../model/error.ts';
import type { Devices } from './devices/devices.ts';
import type { GatewayEventBus } from './events.ts';
import type { Protocols } from './protocols/protocols.ts';

/** Under this name the gateway's own lines are asked for. */
export const OWN_LOG = 'gate';
/** An add-on's event of this type is a line of its log: `message`, and `level` `LOG` or `ERR`. */
const LOG_EVENT = 'log';
const GATHER_MS = 5_000;
/** Lines that come within this time are told together to those who watch. */
const LIVE_MS = 250;

export interface LogsParts {
  /** The gateway's own lines. */
  own: LogRing;
  devices: Devices;
  protocols: Protocols;
  events: GatewayEventBus;
  now: () => number;
  gatherMs?: number;
}

/** Both inclusive, milliseconds since 1970. */
export interface LogRange {
  start?: number | undefined;
  end?: number | undefined;
}

export class Logs {
  readonly #parts: LogsParts;
  readonly #rings: Map<string, LogRing>;
  /** The number of the last line of each log that was told. */
  readonly #told = new Map<string, number>();
  /** The same of those who watch. */
  readonly #shown = new Map<string, number>();
  #live: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dispose: Dispose | undefined;

  constructor(parts: LogsParts) {
    this.#parts = parts;
    this.#rings = new Map([[OWN_LOG, parts.own]]);
  }

  start(): void {
    this.#timer = setInterval(() => this.#tell(), this.#parts.gatherMs ?? GATHER_MS);
    this.#timer.unref();
    for (const ring of this.#rings.values()) this.#watch(ring);
    const { events } = this.#parts;
    // add-ons that others start are not read by gate: what they have to say comes as an event
    this.#dispose = events.on('addonEventReported', ({ slug, type, details: { message, level } }) => {
      if (type === LOG_EVENT && typeof message === 'string')
        this.append(slug, level === 'ERR' ? 'ERR' : 'LOG', message);
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#live);
    for (const ring of this.#rings.values()) ring.onAdded = undefined;
    this.#dispose?.();
  }

  /** A line that the add-on of `slug` has written: just now, where nothing else is said. */
  append(slug: string, type: LogType, message: string, writtenAt?: number): void {
    // an add-on with the gateway's own name would speak in its place
    if (slug === OWN_LOG) return;
    const ring = this.#rings.get(slug) ?? this.#watch(new LogRing());
    this.#rings.set(slug, ring);
    const now = this.#parts.now();
    ring.add({ timestamp: writtenAt ?? now, type, message, ingestionTime: now });
  }

  /** Oldest first. @throws GatewayError notFound: logs are the gateway's, one for each add-on and its own */
  read(deviceId: string, log: string, { start = 0, end = Infinity }: LogRange): LogLine[] {
    this.#check(deviceId, log);
    const lines = this.#rings.get(log)?.lines() ?? [];
    return lines.filter(({ timestamp }) => timestamp >= start && timestamp <= end);
  }

  /** The lines that are kept of an add-on, oldest first. */
  linesOf(slug: string): readonly LogLine[] {
    return this.#rings.get(slug)?.lines() ?? [];
  }

  #check(deviceId: string, log: string): void {
    const { devices, protocols } = this.#parts;
    const { gatewayId } = devices;
    if (!devices.get(deviceId).isGateway) {
      throw new GatewayError('notFound', `device "${deviceId}" has no logs: its gateway has`, {
        hint: `GET /device/v1/devices/${gatewayId}/<add-on>/logs`,
      });
    }
    if (log === OWN_LOG || protocols.list().some(({ slug }) => slug === log)) return;
    throw new GatewayError('notFound', `there is no log "${log}"`, {
      hint: `it is "${OWN_LOG}" or the slug of an add-on: GET /device/v1/protocols lists them`,
    });
  }

  /** Nothing is looked at while nothing is written. */
  #watch(ring: LogRing): LogRing {
    ring.onAdded = () => {
      this.#live ??= setTimeout(() => this.#show(), LIVE_MS).unref();
    };
    return ring;
  }

  #show(): void {
    this.#live = undefined;
    for (const [log, ring] of this.#rings) {
      const lines = ring.since(this.#shown.get(log) ?? 0);
      this.#shown.set(log, ring.added);
      if (lines.length > 0) this.#parts.events.emit('logLinesWritten', { log, lines });
    }
  }

  #tell(): void {
    const { devices, events } = this.#parts;
    for (const [log, ring] of this.#rings) {
      const lines = ring.since(this.#told.get(log) ?? 0);
      this.#told.set(log, ring.added);
      if (lines.length > 0) events.emit('logsGathered', { deviceId: devices.gatewayId, log, lines });
    }
  }
}
