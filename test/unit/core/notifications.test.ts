import assert from 'node:assert/strict';
import { NotificationLog } from '../../../src/core/notifications/notification-log.ts';
import {
  LOG_IN_ADDRESSES_MAX,
  LOG_INS_FAILING,
  NotificationRules,
} from '../../../src/core/notifications/notification-rules.ts';
import { Notifications, REPEAT_AFTER_MS } from '../../../src/core/notifications/notifications.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { NOTIFICATIONS_KEPT_MAX } from '../../../src/model/limits.ts';
import type { Notification } from '../../../src/model/notification.ts';
import { MemoryNotifications } from '../../support/memory-ports.ts';
import { until } from '../../support/until.ts';
import { type HouseOfDevices, houseOfDevices } from './house-of-devices.ts';

/** Long enough never to pass by itself within a test. */
const NEVER_MS = 3_600_000;

const fail = (error: unknown) => {
  throw error;
};

describe('notifications', () => {
  let house: HouseOfDevices;
  let log: NotificationLog;
  let notifications: Notifications;
  let rules: NotificationRules;
  let lampId: string;
  const stops: (() => void)[] = [];

  async function begin(recoveryMs: number): Promise<void> {
    house = await houseOfDevices();
    log = new NotificationLog({ store: new MemoryNotifications(), onTrouble: fail });
    log.start();
    let lastId = 0;
    const newId = () => `id-${++lastId}`;
    const { events, devices } = house;
    notifications = new Notifications({ log, events, now: () => house.clock.nowMs, newId, recoveryMs });
    rules = new NotificationRules({ notifications, devices, events });
    rules.start();
    stops.push(
      () => rules.stop(),
      () => notifications.stop(),
      () => void log.stop(),
    );
    lampId = (await devices.create({ name: 'lamp', isVirtual: true })).id;
  }

  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });

  const all = () => log.last(NOTIFICATIONS_KEPT_MAX, () => true).reverse();
  const told = () => all().map(({ level, subject }) => `${level} ${subject}`);
  const online = (isOnline: boolean) =>
    house.events.emit('availabilityChanged', { deviceId: lampId, online: isOnline, reason: 'asleep', ts: 0 });
  const record = (...readings: JsonObject[]) =>
    house.events.emit(
      'readingsRecorded',
      readings.map((data, n) => ({ _id: String(n), deviceId: lampId, ts: n, data })),
    );

  it('tell of each trouble with its level, its subject and what it is about', async () => {
    await begin(NEVER_MS);
    house.health.report('addon:lamps', 'failed', 'it ended');
    house.health.report('store', 'failed', 'the disk is full');
    online(false);
    record({ battery: 7 });
    house.events.emit('readingsDropped', { count: 9, reason: 'size' });
    house.events.emit('readingsDropped', { count: 9, reason: 'age' });
    house.events.emit('addonLeftOut', { folder: '/data/addons/broken', reason: 'it holds no addon.json' });
    assert.deepEqual(
      all().map(({ id: _, ts: __, ...rest }) => rest),
      [
        {
          level: 2,
          subject: 'addon_failing',
          message: 'add-on "lamps" has failed: it ended',
          addon: 'lamps',
        },
        { level: 1, subject: 'store_trouble', message: 'readings cannot be stored: the disk is full' },
        {
          level: 3,
          subject: 'device_unavailable',
          message: 'device "lamp" is unavailable: asleep',
          deviceId: lampId,
        },
        {
          level: 3,
          subject: 'battery_low',
          message: 'the battery of device "lamp" is low: 7 %',
          deviceId: lampId,
        },
        {
          level: 3,
          subject: 'readings_dropped',
          message: 'the oldest readings are deleted to keep within RETENTION_MB',
        },
        { level: 4, subject: 'readings_dropped', message: 'readings older than RETENTION_DAYS are deleted' },
        {
          level: 2,
          subject: 'addon_left_out',
          message: 'the add-on in folder "broken" was left out: it holds no addon.json',
        },
      ],
    );
  });

  it('tell once of a burst of failed log-ins, with the address and the client, and not of a slip', async () => {
    await begin(NEVER_MS);
    const fails = (address: string, failures: number, clientId?: string) =>
      house.events.emit('logInFailed', { address, failures, clientId });
    for (let n = 1; n <= LOG_INS_FAILING + 5; n += 1) fails('10.0.0.7', n, 'panel');
    assert.deepEqual(
      all().map(({ level, subject, message }) => [level, subject, message]),
      [[3, 'log_ins_failing', 'log-ins from 10.0.0.7 fail, the last as client "panel": 5 within a minute']],
    );
    for (let n = 0; n < LOG_IN_ADDRESSES_MAX + 20; n += 1) fails(`10.0.1.${n}`, LOG_INS_FAILING);
    // the further addresses are one more
    assert.equal(all().length, LOG_IN_ADDRESSES_MAX + 1);
    assert.match(String(all().at(-1)?.message), /with the id of no client/);
  });

  it('tell of a disk that is nearly full once, until it has had room for a while', async () => {
    await begin(5);
    house.health.report('storage', 'degraded', '9 of 100 MB are left');
    house.health.report('storage', 'running');
    house.health.report('storage', 'degraded', '8 of 100 MB are left');
    assert.deepEqual(told(), ['2 disk_space']);
    assert.equal(all()[0]?.message, '9 of 100 MB are left');
    house.health.report('storage', 'running');
    await until('the next time', () => {
      house.health.report('storage', 'running');
      return new Promise<boolean>((resolve) =>
        setTimeout(() => {
          house.health.report('storage', 'degraded', '7 of 100 MB are left');
          resolve(all().length === 2);
        }, 20),
      );
    });
  });

  it('tell how each update ended', async () => {
    await begin(NEVER_MS);
    house.events.emit('updateEnded', { of: 'lamps', version: '1.1.0', failure: 'it did not start' });
    house.events.emit('updateEnded', { of: 'lamps', version: '1.1.0', failure: 'it did not start' });
    house.events.emit('updateEnded', { of: 'gate', version: '0.2.0' });
    assert.deepEqual(
      all().map(({ level, subject, message, addon }) => [level, subject, message, addon]),
      [
        [2, 'update_failed', 'add-on "lamps" could not be updated to 1.1.0: it did not start', 'lamps'],
        [2, 'update_failed', 'add-on "lamps" could not be updated to 1.1.0: it did not start', 'lamps'],
        [4, 'update_installed', 'gate was updated to 0.2.0', undefined],
      ],
    );
  });

  it('tell once of an add-on that fails again and again', async () => {
    await begin(NEVER_MS);
    for (let n = 0; n < 20; n += 1) {
      house.health.report('addon:lamps', 'failed', `exit code ${n}`);
      house.health.report('addon:lamps', 'starting');
      house.health.report('addon:lamps', 'running');
    }
    assert.deepEqual(told(), ['2 addon_failing']);
  });

  it('tell that an add-on runs again once it has stayed so, and of its next failure', async () => {
    await begin(5);
    house.health.report('addon:lamps', 'degraded', 'no radio');
    house.health.report('addon:lamps', 'running');
    await until('the recovery', () => all().length === 2);
    house.health.report('addon:lamps', 'failed', 'it ended');
    assert.deepEqual(told(), ['3 addon_failing', '4 addon_recovered', '2 addon_failing']);
  });

  it('do not take an add-on that is starting for one that runs again', async () => {
    await begin(5);
    house.health.report('addon:lamps', 'failed', 'it ended');
    house.health.report('addon:lamps', 'running');
    house.health.report('addon:lamps', 'starting');
    online(false);
    online(true);
    await until('the other recovery', () => {
      online(false);
      online(true);
      return all().length > 2;
    });
    assert.equal(told().includes('4 addon_recovered'), false);
  });

  it('tell apart what the cloud had not got when it was deleted', async () => {
    await begin(NEVER_MS);
    house.events.emit('readingsDropped', { count: 9, reason: 'size', notRelayed: 0 });
    assert.deepEqual(told(), ['3 readings_dropped']);
    house.events.emit('readingsDropped', { count: 9, reason: 'size', notRelayed: 9 });
    assert.deepEqual(told(), ['3 readings_dropped', '2 readings_not_relayed']);
  });

  it('repeat after a day what still goes on', async () => {
    await begin(NEVER_MS);
    const dropped = () => house.events.emit('readingsDropped', { count: 1, reason: 'age' });
    dropped();
    house.clock.nowMs += REPEAT_AFTER_MS - 1;
    dropped();
    assert.equal(all().length, 1);
    house.clock.nowMs += 1;
    dropped();
    assert.equal(all().length, 2);
  });

  it('tell of a low battery once, until it has risen above 15 %', async () => {
    await begin(5);
    record({ battery: 11 }, { battery: '5' }, { battery: null }, { temperature: 3 }, {});
    assert.deepEqual(told(), []);
    record({ battery: 10 }, { battery: 9 }, { battery: 15 }, { battery: 4 });
    record({ battery: 16 }, { battery: 12 }, { battery: 3 });
    assert.deepEqual(told(), ['3 battery_low']);
    record({ battery: 100 });
    await until('the next low battery', () => {
      // told once the rise has been believed
      record({ battery: 100 });
      return new Promise<boolean>((resolve) =>
        setTimeout(() => {
          record({ battery: 2 });
          resolve(all().length === 2);
        }, 20),
      );
    });
  });

  it('find the battery in the wrapper of HTTP devices too', async () => {
    await begin(NEVER_MS);
    record({ type: 'data', message: { data: { battery: 0 } } });
    assert.deepEqual(told(), ['3 battery_low']);
  });

  it('tell of a certificate with 30, with 7 and with 1 day left, once each, of one that has expired, and again when the next one does', async () => {
    await begin(5);
    const DAY_MS = 86_400_000;
    const checked = (leftDays: number) =>
      house.events.emit('certificateChecked', {
        owner: 'the API',
        expiresAt: Date.parse('2027-03-01T00:00:00Z'),
        leftMs: leftDays * DAY_MS,
        remedy: 'renew it',
      });
    checked(30.5);
    assert.deepEqual(told(), []);
    for (const leftDays of [30, 29, 7, 6.5, 1, 0.5]) checked(leftDays);
    assert.deepEqual(
      all().map(({ message }) => message),
      ['30 days', '7 days', 'a day'].map(
        (left) => `the certificate of the API expires in ${left}, on 2027-03-01: renew it`,
      ),
    );
    checked(0);
    checked(-1);
    const expiring = '3 certificate_expiring';
    assert.deepEqual(told(), [expiring, expiring, expiring, '2 certificate_expired']);
    checked(400);
    house.health.report('addon:lamps', 'failed', 'it ended');
    house.health.report('addon:lamps', 'running');
    await until('another recovery, that began later', () => told().includes('4 addon_recovered'));
    checked(10);
    assert.equal(told().at(-1), '3 certificate_expiring');
    checked(400);
    checked(9);
    assert.equal(told().filter((line) => line === '3 certificate_expiring').length, 4);
  });

  it('forget a device that is gone and an add-on that was changed', async () => {
    await begin(NEVER_MS);
    const device = house.devices.get(lampId);
    for (let n = 0; n < 2; n += 1) {
      online(false);
      record({ battery: 1 });
      house.health.report('addon:lamps', 'failed', `exit code ${n}`);
      house.events.emit('deviceRemoved', { device });
      house.events.emit('protocolsChanged', { slug: 'lamps' });
    }
    assert.equal(all().length, 6);
  });
});

describe('the log of notifications', () => {
  const notification = (n: number): Notification => ({
    id: String(n),
    ts: n,
    level: 3,
    subject: 'user_notification',
    message: 'Something went wrong.',
  });
  const idsOf = (found: readonly Notification[]) => found.map(({ id }) => id);

  it('has those of the last run, and gives the last that match, newest first', () => {
    const store = new MemoryNotifications();
    store.saved.push(notification(1), notification(2));
    const log = new NotificationLog({ store, onTrouble: fail });
    log.start();
    log.add(notification(3));
    assert.deepEqual(idsOf(log.last(2, () => true)), ['3', '2']);
    assert.deepEqual(idsOf(log.last(9, ({ ts }) => ts !== 2)), ['3', '1']);
    return log.stop();
  });

  it('serves what the disk refuses, and writes it when it stops', async () => {
    const store = new MemoryNotifications();
    store.full = true;
    const troubles: unknown[] = [];
    const log = new NotificationLog({ store, onTrouble: (error) => troubles.push(error) });
    log.start();
    log.add(notification(1));
    await until('the first write', () => troubles.length === 1);
    log.add(notification(2));
    assert.deepEqual(idsOf(log.last(9, () => true)), ['2', '1']);
    store.full = false;
    await log.stop();
    await log.stop();
    assert.deepEqual(idsOf(store.saved), ['1', '2']);
  });

  it('keeps no more than its number', async () => {
    const store = new MemoryNotifications();
    const log = new NotificationLog({ store, onTrouble: fail });
    log.start();
    for (let n = 0; n < NOTIFICATIONS_KEPT_MAX + 5; n += 1) log.add(notification(n));
    assert.equal(log.last(2 * NOTIFICATIONS_KEPT_MAX, () => true).length, NOTIFICATIONS_KEPT_MAX);
    await log.stop();
    assert.equal(store.saved.length, NOTIFICATIONS_KEPT_MAX);
  });
});
