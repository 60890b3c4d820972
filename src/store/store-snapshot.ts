/**
 * A copy of the store as it is at one moment, taken beside the daemon that writes it, with its readings or without
 * them; and what a copy needs before a gateway goes on with it.
 */
import {
  backup,
  type Database,
  inReadTransaction,
  inTransaction,
  openForReading,
  openForWriting,
} from './sqlite.ts';

/** What grows with the readings: nearly all of a store. */
const OF_READINGS = [
  'reading',
  'reading_pack',
  'reading_count',
  'delivery',
  'clock_stretch',
  'reading_unsure',
];
/**
 * Numbers of readings that a restored store leaves out. The gateway that was backed up may have gone on counting, and
 * a number is the public `_id`: 65 billion more readings than it had at the backup.
 */
const NUMBERS_LEFT_OUT = 2 ** 36;

/** @throws GatewayError storeCorrupt, storeFailed */
export async function snapshotStore(
  from: string,
  { to, readings }: { to: string; readings: boolean },
): Promise<void> {
  if (!readings) return copyWithoutReadings(from, to);
  const source = openForReading(from);
  try {
    await backup(source, to);
  } finally {
    source.close();
  }
}

function copyWithoutReadings(from: string, to: string): void {
  const target = openForWriting(to);
  try {
    target.prepare('ATTACH ? AS live').run(from);
    // one that writes from its begin would lock the writer of `live` out
    inReadTransaction(target, () => {
      const schema = target
        .prepare(
          `SELECT type, name, sql FROM live.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
           ORDER BY type = 'table' DESC`,
        )
        .all();
      for (const { type, name, sql } of schema) {
        target.exec(String(sql));
        const quoted = `"${String(name).replaceAll('"', '""')}"`;
        if (type === 'table' && !OF_READINGS.includes(String(name)))
          target.exec(`INSERT INTO main.${quoted} SELECT * FROM live.${quoted}`);
      }
      // numbers go on where they stood: none is given twice
      target.exec('DELETE FROM main.sqlite_sequence');
      target.exec('INSERT INTO main.sqlite_sequence SELECT * FROM live.sqlite_sequence');
      const version = target.prepare('PRAGMA live.user_version').get()?.['user_version'];
      target.exec(`PRAGMA main.user_version = ${Number(version)}`);
    });
    target.exec('DETACH live');
  } finally {
    // what lies in the log goes into the file
    target.close();
  }
}

/** The version of a store's schema. @throws GatewayError storeCorrupt, storeFailed */
export function storeVersion(path: string): number {
  const database = openForReading(path);
  try {
    return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  } finally {
    database.close();
  }
}

/** Makes a copy ready to be gone on with, where another may have gone on from the same moment. */
export function continueStore(path: string): void {
  const database = openForWriting(path);
  try {
    inTransaction(database, () => leaveNumbersOut(database));
  } finally {
    database.close();
  }
}

function leaveNumbersOut(database: Database): void {
  const row = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'reading'").get();
  const last = Number(row?.['seq'] ?? 0);
  const relays = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'relay_run'").get();
  // numbers of the cloud follow those of readings within a run: it ends here, and the next goes on counting
  if (relays) database.prepare('UPDATE relay_run SET until = ? WHERE until IS NULL').run(last + 1);
  const next = (Math.floor(last / NUMBERS_LEFT_OUT) + 1) * NUMBERS_LEFT_OUT;
  database.prepare("DELETE FROM sqlite_sequence WHERE name = 'reading'").run();
  database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('reading', ?)").run(next);
}
