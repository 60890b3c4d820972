/** What the store keeps as whole records, parsed as it is read. All of them throw GatewayError storeCorrupt. */
import { type ClientRecord, clientRecordSchema } from '../model/client.ts';
import { type Device, deviceSchema } from '../model/device.ts';
import { GatewayError } from '../model/error.ts';
import { type Notification, notificationSchema } from '../model/notification.ts';
import { parseWith } from '../model/parse.ts';
import { type InstalledProtocol, installedProtocolSchema } from '../model/protocol.ts';
import type { Database } from './sqlite.ts';

export function devicesIn(database: Database): Device[] {
  const sql = 'SELECT record FROM device WHERE record IS NOT NULL ORDER BY k';
  return records(database, sql, (record) =>
    parseWith(deviceSchema, record, 'a device in the store', 'storeCorrupt'),
  );
}

export function protocolsIn(database: Database): InstalledProtocol[] {
  return records(database, 'SELECT record FROM protocol ORDER BY slug', (record) =>
    parseWith(installedProtocolSchema, record, 'a protocol in the store', 'storeCorrupt'),
  );
}

export function notificationsIn(database: Database): Notification[] {
  return records(database, 'SELECT record FROM notification ORDER BY k', (record) =>
    parseWith(notificationSchema, record, 'a notification in the store', 'storeCorrupt'),
  );
}

export function clientsIn(database: Database): ClientRecord[] {
  return records(database, 'SELECT record FROM client ORDER BY id', (record) =>
    parseWith(clientRecordSchema, record, 'a client in the store', 'storeCorrupt'),
  );
}

/** All of it can be read. */
export function demandReadable(database: Database): void {
  devicesIn(database);
  protocolsIn(database);
  notificationsIn(database);
  clientsIn(database);
}

function records<T>(database: Database, sql: string, parse: (record: unknown) => T): T[] {
  return database
    .prepare(sql)
    .all()
    .map((row) => parse(parsed(row['record'])));
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    throw new GatewayError('storeCorrupt', 'a record in the store is not JSON any more', { cause });
  }
}
