/**
 * Pairing: a created device is looked for by its protocol's add-on. 30 s until something joins, then up to 180 s
 * for its interview; it always ends as `paired`, or as `not_paired` with the reason and the next step.
 */
import type { Device } from '../../model/device.ts';
import { GatewayError, reasonOf } from '../../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { type GatewayEventBus, PAIRING_STEPS, type PairingStep } from '../events.ts';
import type { AddonLink } from '../ports.ts';
import type { Devices } from './devices.ts';

export const JOIN_TIMEOUT_MS = 30_000;
/** What a caller may ask for instead, in seconds: a network is never open for longer than 254. */
export const JOIN_SECONDS_MAX = 254;
export const INTERVIEW_TIMEOUT_MS = 180_000;
/** How long a device may take to leave its network when it is deleted. */
export const REMOVE_TIMEOUT_MS = 10_000;

/** Pairings of so many devices are remembered, the last ones. */
const COURSES_MAX = 100;
/** An add-on that tells without end tells enough. */
const STEPS_MAX = 50;

/** How a pairing went, or goes; times in milliseconds since 1970. */
export interface PairingCourse {
  startedAt: number;
  /** Something must have joined by then. */
  joinUntil: number;
  /** It ends by then; later once something has joined. */
  until: number;
  steps: { step: PairingStep; details?: JsonObject; ts: number }[];
}

export class Pairing {
  readonly #devices: Devices;
  readonly #link: AddonLink;
  readonly #events: GatewayEventBus;
  /** Milliseconds since 1970. */
  readonly #now: () => number;
  readonly #active = new Map<string, AbortController>();
  readonly #courses = new Map<string, PairingCourse>();

  constructor(parts: { devices: Devices; link: AddonLink; events: GatewayEventBus; now: () => number }) {
    this.#devices = parts.devices;
    this.#link = parts.link;
    this.#events = parts.events;
    this.#now = parts.now;
  }

  /** A pairing that a power cut interrupted has ended: its device says so. */
  async start(): Promise<void> {
    for (const device of this.#devices.subDevices()) {
      if (device.status.eventType !== 'discovering') continue;
      const reason = {
        code: 'interrupted',
        message: 'the gateway was restarted during the pairing',
        hint: 'pair it again',
      };
      await this.#devices.setStatus(device.id, { eventType: 'not_paired', reason });
    }
  }

  /**
   * Begins; the result comes as an event and in the device's status. `joinTimeoutMs` is how long something may take to
   * join. @throws GatewayError notFound, conflict
   */
  async pair(deviceId: string, joinTimeoutMs = JOIN_TIMEOUT_MS): Promise<Device> {
    const device = this.#devices.get(deviceId);
    if (device.isGateway || device.isVirtual) {
      throw new GatewayError('conflict', `device "${deviceId}" needs no pairing`);
    }
    if (this.#active.has(deviceId))
      throw new GatewayError('conflict', `device "${deviceId}" is being paired already`);
    const abort = new AbortController();
    this.#active.set(deviceId, abort);
    try {
      const discovering = await this.#devices.setStatus(deviceId, { eventType: 'discovering' });
      void this.#run(discovering, abort, joinTimeoutMs);
      return discovering;
    } catch (error) {
      this.#active.delete(deviceId);
      throw error;
    }
  }

  /** The last pairing of a device, as far as it is known; a restart forgets it. @throws GatewayError notFound */
  course(deviceId: string): PairingCourse | undefined {
    this.#devices.get(deviceId);
    return this.#courses.get(deviceId);
  }

  /** @throws GatewayError conflict when no pairing is going on */
  cancel(deviceId: string): void {
    this.#devices.get(deviceId);
    const abort = this.#active.get(deviceId);
    if (!abort) throw new GatewayError('conflict', `device "${deviceId}" is not being paired`);
    abort.abort(new GatewayError('deviceTimeout', 'the pairing was cancelled'));
  }

  /**
   * Takes a device off its network, as far as it answers, and forgets it with its readings.
   * @returns why it had to be forced out, in words; undefined when it left, or has no network
   */
  async remove(deviceId: string): Promise<string | undefined> {
    const device = this.#devices.get(deviceId);
    this.#active.get(deviceId)?.abort(new GatewayError('deviceTimeout', 'the device was deleted'));
    let reason: string | undefined;
    if (device.protocol !== undefined && device.address !== undefined) {
      // a device that is gone, or an add-on that is down, must not keep the entry for ever
      reason = await this.#link
        .request(device.protocol, { method: 'remove', deviceId, params: {}, timeoutMs: REMOVE_TIMEOUT_MS })
        .then(forcedOut, () => undefined);
    }
    await this.#devices.remove(deviceId);
    this.#courses.delete(deviceId);
    if (reason !== undefined) this.#events.emit('deviceForcedOut', { device, reason });
    return reason;
  }

  #begin(deviceId: string, joinTimeoutMs: number): PairingCourse {
    const startedAt = this.#now();
    const joinUntil = startedAt + joinTimeoutMs;
    const course: PairingCourse = { startedAt, joinUntil, until: joinUntil, steps: [] };
    // the newest stands last
    this.#courses.delete(deviceId);
    this.#courses.set(deviceId, course);
    const [oldest] = this.#courses.keys();
    if (this.#courses.size > COURSES_MAX && oldest !== undefined) this.#courses.delete(oldest);
    return course;
  }

  async #run(device: Device, abort: AbortController, joinTimeoutMs: number): Promise<void> {
    const late = (what: string) => () =>
      abort.abort(
        new GatewayError('deviceTimeout', what, { hint: 'is it powered, near, and in pairing mode?' }),
      );
    let timer = setTimeout(late(`nothing joined within ${joinTimeoutMs / 1000} s`), joinTimeoutMs);
    const course = this.#begin(device.id, joinTimeoutMs);
    let joined = false;
    const dispose = this.#events.on('addonEventReported', ({ deviceId, type, details }) => {
      const step = PAIRING_STEPS.find((known) => known === type);
      if (deviceId !== device.id || step === undefined) return;
      const ts = this.#now();
      if (course.steps.length < STEPS_MAX)
        course.steps.push({ step, ...(Object.keys(details).length === 0 ? {} : { details }), ts });
      this.#events.emit('pairingStepped', { deviceId, step, details, ts });
      // whatever it says first: something has joined
      if (joined) return;
      joined = true;
      course.until = ts + INTERVIEW_TIMEOUT_MS;
      clearTimeout(timer);
      timer = setTimeout(
        late(`it joined, but its interview took longer than ${INTERVIEW_TIMEOUT_MS / 1000} s`),
        INTERVIEW_TIMEOUT_MS,
      );
    });
    const protocol = device.protocol as string;
    const params = {
      type: device.type ?? null,
      parameters: device.parameters,
      joinSeconds: joinTimeoutMs / 1000,
    };
    try {
      const address = await this.#link.request(protocol, {
        method: 'pair',
        deviceId: device.id,
        params,
        timeoutMs: joinTimeoutMs + INTERVIEW_TIMEOUT_MS,
        signal: abort.signal,
      });
      await this.#devices.setStatus(device.id, { eventType: 'paired' }, address);
    } catch (error) {
      const cause = abort.signal.aborted ? abort.signal.reason : error;
      if (abort.signal.aborted) {
        void this.#link
          .request(protocol, {
            method: 'cancelPairing',
            deviceId: device.id,
            params: {},
            timeoutMs: REMOVE_TIMEOUT_MS,
          })
          .catch(() => undefined);
      }
      // the device may have been deleted meanwhile: then there is nobody left to tell
      if (this.#devices.find(device.id)) {
        await this.#devices
          .setStatus(device.id, { eventType: 'not_paired', reason: reasonOf(cause) })
          .catch(() => undefined);
      }
    } finally {
      clearTimeout(timer);
      dispose();
      this.#active.delete(device.id);
    }
  }
}

/** Why an add-on had to force a device out, as the result of its `remove` says it. */
function forcedOut(value: JsonValue): string | undefined {
  if (!isJsonObject(value) || value['left'] !== false) return undefined;
  return typeof value['reason'] === 'string' ? value['reason'] : 'it did not answer';
}
