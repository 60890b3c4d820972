/** What is kept and who keeps it: the stores, and on them the devices, their readings and the notifications. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { BelievableClock } from '../core/clock/believable-clock.ts';
import { Devices } from '../core/devices/devices.ts';
import { TypeCatalogue } from '../core/devices/type-catalogue.ts';
import { Figures } from '../core/figures.ts';
import { History } from '../core/history.ts';
import { NotificationLog } from '../core/notifications/notification-log.ts';
import { NotificationRules } from '../core/notifications/notification-rules.ts';
import { Notifications } from '../core/notifications/notifications.ts';
import { Readings } from '../core/readings.ts';
import { Webhooks } from '../core/webhooks.ts';
import { DiskSpace } from '../store/disk-space.ts';
import { AvailabilityFile } from '../store/files/availability-file.ts';
import { OperationFile } from '../store/files/operation-file.ts';
import { RepeatFile } from '../store/files/repeat-file.ts';
import { Store } from '../store/store.ts';
import type { Ground } from './ground.ts';

const BYTES_PER_MB = 1_000_000;
const SECONDS_PER_DAY = 86_400;

export type House = Awaited<ReturnType<typeof startHouse>>;

/** @throws GatewayError storeCorrupt, storeNewer, storeFailed */
export async function startHouse(ground: Ground) {
  const { settings, dataFolder: folder, running, events, health, logger, now, newId } = ground;
  const figures = new Figures({
    storeBytes: () => store.bytes(),
    retention: {
      maxAgeSeconds: settings.RETENTION_DAYS * SECONDS_PER_DAY,
      maxBytes: settings.RETENTION_MB * BYTES_PER_MB,
    },
    backlog: () => store.relayBacklog(),
  });
  events.on('readingsDropped', ({ count, reason, notRelayed = 0 }) => {
    figures.dropped.add(reason, count);
    if (notRelayed > 0) figures.notRelayed.add(reason, notRelayed);
  });
  const store = new Store({
    settings: {
      folder,
      commitWindowMs: settings.COMMIT_WINDOW_MS,
      retentionDays: settings.RETENTION_DAYS,
      retentionBytes: settings.RETENTION_MB * BYTES_PER_MB,
      relaying: ground.cloud?.relays,
    },
    onCommit: (committed) => readings.committed(committed),
    onCommitTime: (ms) => figures.commitSeconds.add(ms / 1_000),
    onTrouble: (reason) => health.report('store', reason === undefined ? 'running' : 'failed', reason),
    onDropped: (dropped) => events.emit('readingsDropped', dropped),
    onDamage: (message) => {
      logger.error(message);
      health.report('store', 'degraded', message);
      events.emit('storeDamaged', { message });
    },
    onFault: ground.onFault,
    now,
    retentionNow: () => clock.retentionNow(),
    monotonicNow: ground.monotonicNow,
  });
  const clock: BelievableClock = new BelievableClock({ ...ground, store });
  const onTrouble = (message: string) => logger.warn(message);
  const availability = new AvailabilityFile({ path: join(folder, 'availability.db'), onTrouble });
  const operationFile = new OperationFile({ path: join(folder, 'operations.db'), onTrouble });
  const repeatFile = new RepeatFile({ path: join(folder, 'idempotency-keys.db'), onTrouble });
  for (const file of [store, clock, availability, operationFile, repeatFile]) await running.run(file);
  health.report('store', 'running');

  const gatewayId = settings.PARENT_DEVICE_ID ?? (await store.keep('gatewayId', newId));
  const projectId = settings.PROJECT_ID ?? (await store.keep('projectId', newId));
  const types = new TypeCatalogue();
  const identity = { gatewayId, projectId };
  const devices = new Devices({ registry: store, availability, types, events, ...identity, now, newId });
  const readings = new Readings({
    store,
    devices,
    events,
    placed: (reading) => clock.placed(reading),
  });
  await devices.start();
  const webhooks = new Webhooks({ registry: store, devices, readings, figures, now });
  await webhooks.start();

  const notificationLog = new NotificationLog({
    store,
    onTrouble: (error) => logger.warn({ err: error }, 'notifications could not be written yet'),
  });
  await running.run(notificationLog);
  const notifications = new Notifications({ log: notificationLog, events, now, newId: randomUUID });
  running.onStop(() => notifications.stop());
  await running.run(new NotificationRules({ notifications, devices, events }));
  // after the rules: what is found at the start is told as well
  if (store.damageFound !== undefined) {
    logger.error(store.damageFound);
    events.emit('storeDamaged', { message: store.damageFound });
  }
  const diskSpace = new DiskSpace({
    folder,
    onChange: (trouble) => health.report('storage', trouble === undefined ? 'running' : 'degraded', trouble),
    onFigures: (found) => health.note('storage', found),
  });
  await running.run(diskSpace);
  return {
    ...identity,
    store,
    operationFile,
    repeatFile,
    types,
    devices,
    readings,
    webhooks,
    history: new History({ store, devices }),
    notifications,
    figures,
  };
}
