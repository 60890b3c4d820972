/** What is worth a notification: the events that begin and end each trouble, its level and its words. */
import { basename } from 'node:path';
import type { Dispose } from '../../lib/event-bus.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { StoredReading } from '../../model/reading.ts';
import { CLOCK_PART } from '../clock/believable-clock.ts';
import { redatedWords } from '../clock/redated-words.ts';
import type { Devices } from '../devices/devices.ts';
import type { GatewayEventBus, GatewayEvents } from '../events.ts';
import type { Notifications } from './notifications.ts';

/** A battery at or below this is low, until it is above `BATTERY_GOOD_PERCENT`. */
export const BATTERY_LOW_PERCENT = 10;
export const BATTERY_GOOD_PERCENT = 15;

/** A certificate with less left than this is worth a notification. */
export const CERTIFICATE_EXPIRING_DAYS = 30;

const DAY_MS = 86_400_000;
const ADDON_PART = 'addon:';
const STORE_PART = 'store';
const STORAGE_PART = 'storage';
const CLOUD_PART = 'cloud';
/** Days before a certificate expires at which it is told; the first is `CERTIFICATE_EXPIRING_DAYS`. */
const CERTIFICATE_TOLD_DAYS = [CERTIFICATE_EXPIRING_DAYS, 7, 1];

/** So many failed log-ins within a minute are worth telling: a secret is mistyped once or twice. */
export const LOG_INS_FAILING = 5;
/** The same address is told of again when it has been quiet for so long. */
export const LOG_INS_QUIET_MS = 15 * 60_000;
/** Addresses that are told of one by one at a time; further ones together. */
export const LOG_IN_ADDRESSES_MAX = 10;

export interface NotificationRulesParts {
  notifications: Notifications;
  devices: Devices;
  events: GatewayEventBus;
}

export class NotificationRules {
  readonly #parts: NotificationRulesParts;
  #disposers: Dispose[] = [];

  constructor(parts: NotificationRulesParts) {
    this.#parts = parts;
  }

  start(): void {
    const { events, notifications } = this.#parts;
    this.#disposers = [
      events.on('healthChanged', (change) => this.#onHealth(change)),
      events.on('availabilityChanged', (change) => this.#onAvailability(change)),
      events.on('readingsRecorded', (readings) => this.#onReadings(readings)),
      events.on('logInFailed', (failure) => this.#onLogInFailed(failure)),
      events.on('updateEnded', (update) => this.#onUpdate(update)),
      events.on('readingsDropped', (dropped) => this.#onDropped(dropped)),
      events.on('storeDamaged', ({ message }) =>
        notifications.raise(STORE_PART, { level: 1, subject: 'store_damaged', message }),
      ),
      events.on('readingsRedated', (redated) => this.#onRedated(redated)),
      events.on('addonLeftOut', (problem) => this.#onLeftOut(problem)),
      events.on('certificateChecked', (facts) => this.#onCertificate(facts)),
      events.on('protocolsChanged', ({ slug }) => notifications.forget('addon_failing', slug)),
      events.on('deviceRemoved', ({ device: { id } }) => {
        notifications.forget('device_unavailable', id);
        notifications.forget('battery_low', id);
      }),
      events.on('deviceForcedOut', (facts) => this.#onForcedOut(facts)),
      events.on('backupRestored', (facts) => this.#onRestored(facts)),
    ];
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
  }

  #onHealth(change: GatewayEvents['healthChanged']): void {
    if (change.part === STORE_PART) this.#onStore(change);
    else if (change.part === STORAGE_PART) this.#onStorage(change);
    else if (change.part === CLOUD_PART) this.#onCloud(change);
    else if (change.part.startsWith(ADDON_PART)) this.#onAddon(change);
  }

  #onStore({ state, reason }: GatewayEvents['healthChanged']): void {
    const { notifications } = this.#parts;
    if (state === 'running') notifications.settle('store_trouble', STORE_PART);
    if (state !== 'failed') return;
    const message = `readings cannot be stored${because(reason)}`;
    notifications.raise(STORE_PART, { level: 1, subject: 'store_trouble', message });
  }

  #onStorage({ state, reason }: GatewayEvents['healthChanged']): void {
    const { notifications } = this.#parts;
    if (state === 'running') notifications.settle('disk_space', STORAGE_PART);
    if (state !== 'degraded' || reason === undefined) return;
    notifications.raise(STORAGE_PART, { level: 2, subject: 'disk_space', message: reason });
  }

  #onCloud({ state, reason }: GatewayEvents['healthChanged']): void {
    const { notifications } = this.#parts;
    if (state === 'running') {
      const recovered = {
        level: 4,
        subject: 'cloud_reached',
        message: 'the cloud is reached again',
      } as const;
      notifications.settle('cloud_unreachable', CLOUD_PART, { recovered });
      // connected, and something is wrong with what it connects with
      if (reason !== undefined)
        notifications.raise(reason, { level: 3, subject: 'cloud_credentials', message: reason });
    } else if (state === 'degraded') {
      const message = `the cloud cannot be reached${because(reason)}`;
      notifications.raise(CLOUD_PART, { level: 2, subject: 'cloud_unreachable', message });
    } else notifications.relapse('cloud_unreachable', CLOUD_PART);
  }

  #onAddon({ part, state, reason }: GatewayEvents['healthChanged']): void {
    const { notifications } = this.#parts;
    const addon = part.slice(ADDON_PART.length);
    if (state === 'failed' || state === 'degraded') {
      const message = `add-on "${addon}" ${state === 'failed' ? 'has failed' : 'is degraded'}${because(reason)}`;
      const level = state === 'failed' ? 2 : 3;
      notifications.raise(addon, { level, subject: 'addon_failing', message, addon });
    } else if (state === 'running') {
      const message = `add-on "${addon}" runs again`;
      const recovered = { level: 4, subject: 'addon_recovered', message, addon } as const;
      notifications.settle('addon_failing', addon, { recovered });
    } else notifications.relapse('addon_failing', addon);
  }

  #onAvailability({ deviceId, online, reason }: GatewayEvents['availabilityChanged']): void {
    const { notifications } = this.#parts;
    if (online) {
      notifications.settle('device_unavailable', deviceId);
      return;
    }
    const message = `${this.#named(deviceId)} is unavailable${because(reason)}`;
    notifications.raise(deviceId, { level: 3, subject: 'device_unavailable', message, deviceId });
  }

  #onReadings(readings: readonly StoredReading[]): void {
    const { notifications } = this.#parts;
    for (const { deviceId, data } of readings) {
      const percent = batteryOf(data);
      if (percent === undefined) continue;
      if (percent > BATTERY_GOOD_PERCENT) notifications.settle('battery_low', deviceId);
      else notifications.relapse('battery_low', deviceId);
      if (percent > BATTERY_LOW_PERCENT) continue;
      const message = `the battery of ${this.#named(deviceId)} is low: ${percent} %`;
      notifications.raise(deviceId, { level: 3, subject: 'battery_low', message, deviceId });
    }
  }

  #onLogInFailed({ address, clientId, failures }: GatewayEvents['logInFailed']): void {
    if (failures < LOG_INS_FAILING) return;
    const { notifications } = this.#parts;
    const subject = 'log_ins_failing';
    const alone =
      notifications.isOpen(subject, address) || notifications.openCount(subject) < LOG_IN_ADDRESSES_MAX;
    const about = alone ? address : 'further addresses';
    const as = clientId === undefined ? 'with the id of no client' : `as client "${clientId}"`;
    const message = `log-ins from ${address} fail, the last ${as}: ${failures} within a minute`;
    notifications.raise(about, { level: 3, subject, message });
    notifications.settle(subject, about, { recoveryMs: LOG_INS_QUIET_MS });
  }

  #onUpdate({ of, version, failure }: GatewayEvents['updateEnded']): void {
    const { notifications } = this.#parts;
    const subject = failure === undefined ? 'update_installed' : 'update_failed';
    const what = of === 'gate' ? 'gate' : `add-on "${of}"`;
    const message =
      failure === undefined
        ? `${what} was updated to ${version}`
        : `${what} could not be updated to ${version}: ${failure}`;
    const about = `${of} ${version}`;
    const addon = of === 'gate' ? {} : { addon: of };
    notifications.raise(about, { level: failure === undefined ? 4 : 2, subject, message, ...addon });
    // each attempt is one of its own
    notifications.forget(subject, about);
  }

  #onRestored({ version, takenAt, aside }: GatewayEvents['backupRestored']): void {
    const { notifications } = this.#parts;
    const taken = new Date(takenAt).toISOString().slice(0, 16);
    const message = `this gateway is now that of the backup of ${taken}Z, made by gate ${version}; what was there before lies in ${aside}`;
    notifications.raise('gate', { level: 4, subject: 'backup_restored', message });
    notifications.forget('backup_restored', 'gate');
  }

  #onForcedOut({ device: { id, name }, reason }: GatewayEvents['deviceForcedOut']): void {
    const { notifications } = this.#parts;
    const message = `device "${name}" was deleted, but did not leave its network by itself: ${reason}`;
    notifications.raise(id, { level: 3, subject: 'device_forced_out', message, deviceId: id });
    // there is no such device any more
    notifications.forget('device_forced_out', id);
  }

  #onDropped({ reason, notRelayed = 0 }: GatewayEvents['readingsDropped']): void {
    const notice =
      reason === 'age'
        ? { level: 4 as const, message: 'readings older than RETENTION_DAYS are deleted' }
        : { level: 3 as const, message: 'the oldest readings are deleted to keep within RETENTION_MB' };
    this.#parts.notifications.raise(reason, { ...notice, subject: 'readings_dropped' });
    if (notRelayed === 0) return;
    const limit = reason === 'age' ? 'RETENTION_DAYS' : 'RETENTION_MB';
    const message = `readings that the cloud had not got are deleted to keep within ${limit}`;
    this.#parts.notifications.raise(reason, { level: 2, subject: 'readings_not_relayed', message });
  }

  #onRedated(redated: GatewayEvents['readingsRedated']): void {
    const { notifications } = this.#parts;
    const message = `the clock of this box is right now: ${redatedWords(redated)}`;
    notifications.raise(CLOCK_PART, { level: 4, subject: 'readings_redated', message });
    // each time is one of its own
    notifications.forget('readings_redated', CLOCK_PART);
  }

  #onLeftOut({ folder, reason }: GatewayEvents['addonLeftOut']): void {
    const message = `the add-on in folder "${basename(folder)}" was left out: ${reason}`;
    this.#parts.notifications.raise(folder, { level: 2, subject: 'addon_left_out', message });
  }

  #onCertificate({ owner, expiresAt, leftMs, remedy }: GatewayEvents['certificateChecked']): void {
    const { notifications } = this.#parts;
    const when = new Date(expiresAt).toISOString().slice(0, 10);
    if (leftMs > CERTIFICATE_EXPIRING_DAYS * DAY_MS) {
      for (const days of CERTIFICATE_TOLD_DAYS)
        notifications.settle('certificate_expiring', `${owner} ${days}`);
      notifications.settle('certificate_expired', owner);
    } else if (leftMs > 0) {
      const message = `the certificate of ${owner} expires in ${inDays(leftMs)}, on ${when}: ${remedy}`;
      notifications.settle('certificate_expired', owner);
      const [stage] = CERTIFICATE_TOLD_DAYS.filter((days) => leftMs <= days * DAY_MS).slice(-1);
      const about = `${owner} ${stage}`;
      // once at each stage, not once a day
      if (notifications.isOpen('certificate_expiring', about)) return;
      notifications.raise(about, { level: 3, subject: 'certificate_expiring', message });
    } else {
      const message = `the certificate of ${owner} expired on ${when}: ${remedy}`;
      notifications.raise(owner, { level: 2, subject: 'certificate_expired', message });
    }
  }

  #named(deviceId: string): string {
    return `device "${this.#parts.devices.find(deviceId)?.name ?? deviceId}"`;
  }
}

/** In percent, as most devices have it: at the top, or in the wrapper of HTTP devices. */
function batteryOf(data: JsonObject): number | undefined {
  const battery = data['battery'] ?? wrapped(data)?.['battery'];
  return typeof battery === 'number' ? battery : undefined;
}

function wrapped({ message }: JsonObject): JsonObject | undefined {
  return isJsonObject(message) && isJsonObject(message['data']) ? message['data'] : undefined;
}

function inDays(ms: number): string {
  const days = Math.ceil(ms / DAY_MS);
  return days === 1 ? 'a day' : `${days} days`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}
