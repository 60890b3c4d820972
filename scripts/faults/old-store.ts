/** A store as an older gate left it: made by the numbered steps of its time, with devices and readings in its tables. */
import { MIGRATIONS, openMigrated } from '../../src/store/migrations.ts';
import { inTransaction } from '../../src/store/sqlite.ts';
import { Ledger } from './ledger.ts';
import { demand } from './scenario.ts';

const HOUR_MS = 3_600_000;
const DEVICE = 'old-counter';
const GATEWAY = 'old-gateway';

export interface OldStore {
  path: string;
  /** Of the schema: 1 and up. */
  version: number;
  readings: number;
}

/** Versions that a gateway of today migrates. */
export const OLD_VERSIONS = Array.from({ length: MIGRATIONS.length - 1 }, (_, index) => index + 1);

export async function layOldStore({ path, version, readings }: OldStore): Promise<void> {
  const database = await openMigrated(path, MIGRATIONS.slice(0, version));
  const now = Date.now();
  const common = { projectId: 'old-project', ts: now, parameters: {}, isVirtual: false, demoActive: false };
  const status = { eventType: 'created', timestamp: now };
  const devices = [
    { ...common, id: GATEWAY, name: 'gateway', isGateway: true, status },
    {
      ...common,
      id: DEVICE,
      name: 'counter',
      isGateway: false,
      parentDevice: GATEWAY,
      protocol: 'http',
      status,
    },
  ];
  inTransaction(database, () => {
    const add = database.prepare('INSERT INTO device (id, record) VALUES (?, ?)');
    for (const device of devices) add.run(device.id, JSON.stringify(device));
    const kept = database.prepare('INSERT INTO meta VALUES (?, ?)');
    kept.run('gatewayId', GATEWAY);
    kept.run('projectId', 'old-project');
    database.prepare('INSERT INTO shape VALUES (1, ?)').run('{"n":0}');
    database.prepare('INSERT INTO device_shape VALUES (2, 1)').run();
    const insert = database.prepare('INSERT INTO reading (dev, ts, shape, vals) VALUES (2, ?, 1, ?)');
    for (let n = 0; n < readings; n += 1) insert.run(now - readings + n, `[${n}]`);
    database.exec(
      `INSERT INTO reading_count SELECT dev, ts / ${HOUR_MS}, count(*) FROM reading GROUP BY dev, ts / ${HOUR_MS}`,
    );
  });
  database.close();
}

/** Whatever happened on the way. @throws FaultFound */
export function demandAllOf({ path, readings }: OldStore): void {
  const ledger = new Ledger(path);
  const figure = (sql: string) => ledger.figure(`SELECT ${sql} FROM reading WHERE dev = 2`);
  const there = [figure('count(*)'), figure('count(DISTINCT vals)'), figure('max(seq)')];
  demand(
    there.every((count) => count === readings),
    () => `of ${readings} readings of an older store ${there.join(', ')} are there (all, different, last)`,
  );
  ledger.demandSound();
}

/** Of the store that lies there. */
export function schemaVersion(path: string): number {
  return new Ledger(path).figure('PRAGMA user_version');
}

export const LATEST_VERSION = MIGRATIONS.length;
