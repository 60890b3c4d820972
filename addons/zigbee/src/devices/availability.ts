/**
 * Whether devices are there. A mains device that was silent for a while is asked; a battery device sleeps, and is only
 * missed when it has said nothing for much longer than it ever does.
 */
import type { AddonLog, Clock } from '@gate/addon-sdk';

export interface AvailabilitySettings {
  /** Silence after which a mains device is asked. */
  pingMs: number;
  /** Silence after which a battery device counts as away. */
  silentMs: number;
}

export interface WatchedDevice {
  ieeeAddress: string;
  isSleepy: boolean;
  /** Asks it; rejects when it does not answer. */
  ping: () => Promise<void>;
}

export interface AvailabilityParts {
  clock: Clock;
  random: () => number;
  log: AddonLog;
  /** The devices that are watched just now; none while there is no coordinator. */
  devices: () => Iterable<WatchedDevice>;
  say: (ieeeAddress: string, online: boolean, reason?: string) => void;
}

interface Watch {
  heardMs: number;
  failures: number;
  nextPingMs: number;
}

const LOOK_EVERY_MS = 1_000;
/** Pings at a time: the radio is slow, and one to a device that is gone takes long. */
const PINGING_MAX = 2;
/** A first ping that is not answered may have been lost. */
const OFFLINE_AFTER_FAILURES = 2;
const SECOND_PING_MS = 5_000;
/** After a start, mains devices are asked within this time, not all at once. */
const START_SPREAD = 0.1;

export class Availability {
  readonly #parts: AvailabilityParts;
  readonly #watches = new Map<string, Watch>();
  #settings: AvailabilitySettings = { pingMs: 600_000, silentMs: 90_000_000 };
  #pinging = 0;
  #cancelLook: (() => void) | undefined;

  constructor(parts: AvailabilityParts) {
    this.#parts = parts;
  }

  configure(settings: AvailabilitySettings): void {
    this.#settings = settings;
  }

  start(): void {
    this.#cancelLook ??= this.#parts.clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  stop(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  /** The device has said something. */
  heard(ieeeAddress: string): void {
    const { clock, say } = this.#parts;
    const nowMs = clock.uptime();
    const watch = this.#watch(ieeeAddress);
    watch.heardMs = nowMs;
    watch.failures = 0;
    watch.nextPingMs = nowMs + this.#settings.pingMs;
    say(ieeeAddress, true);
  }

  forget(ieeeAddress: string): void {
    this.#watches.delete(ieeeAddress);
  }

  #watch(ieeeAddress: string): Watch {
    const known = this.#watches.get(ieeeAddress);
    if (known) return known;
    const nowMs = this.#parts.clock.uptime();
    const soonMs = this.#settings.pingMs * START_SPREAD * this.#parts.random();
    const watch = { heardMs: nowMs, failures: 0, nextPingMs: nowMs + soonMs };
    this.#watches.set(ieeeAddress, watch);
    return watch;
  }

  #look(): void {
    const { clock, devices, say } = this.#parts;
    const nowMs = clock.uptime();
    const { silentMs } = this.#settings;
    for (const device of devices()) {
      const watch = this.#watch(device.ieeeAddress);
      if (device.isSleepy) {
        if (nowMs - watch.heardMs > silentMs)
          say(device.ieeeAddress, false, `nothing was heard of it for ${inWords(silentMs)}`);
      } else if (nowMs >= watch.nextPingMs && this.#pinging < PINGING_MAX) {
        void this.#ping(device, watch);
      }
    }
    this.#cancelLook = clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  async #ping(device: WatchedDevice, watch: Watch): Promise<void> {
    const { clock, random, say } = this.#parts;
    const { pingMs } = this.#settings;
    watch.nextPingMs = Number.POSITIVE_INFINITY;
    this.#pinging += 1;
    try {
      await device.ping();
      this.heard(device.ieeeAddress);
    } catch {
      watch.failures += 1;
      const waitMs = watch.failures < OFFLINE_AFTER_FAILURES ? Math.min(SECOND_PING_MS, pingMs) : pingMs;
      watch.nextPingMs = clock.uptime() + waitMs * (0.75 + random() / 2);
      if (watch.failures >= OFFLINE_AFTER_FAILURES) say(device.ieeeAddress, false, 'it does not answer');
    } finally {
      this.#pinging -= 1;
    }
  }
}

function inWords(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours < 1) return `${Math.max(1, Math.round(ms / 1000))} s`;
  return hours < 1.5 ? 'an hour' : `${Math.round(hours)} hours`;
}
