/** Many readings at once, through the product's own writer, into a store that no daemon has open. */

import { ReadingPacks } from '../../src/store/history/reading-packs.ts';
import { openMigrated } from '../../src/store/migrations.ts';
import { ReadingWriter } from '../../src/store/reading-writer.ts';
import { RelayProgress } from '../../src/store/relay/relay-progress.ts';
import { RelayRuns } from '../../src/store/relay/relay-runs.ts';

const BATCH = 1_000;

export interface Filling {
  addon: string;
  deviceId: string;
  /** Ids begin with it: another one each time. */
  prefix: string;
  readings: number;
  /** Of the first one; the others follow by a millisecond each. */
  fromTs: number;
}

export async function fillStore(
  path: string,
  { addon, deviceId, prefix, readings, fromTs }: Filling,
): Promise<void> {
  const database = await openMigrated(path);
  try {
    const packs = new ReadingPacks(database);
    const relay = {
      relaying: true,
      runs: new RelayRuns(database, true),
      progress: new RelayProgress(database),
    };
    const writer = new ReadingWriter({ database, packs, relay });
    writer.load();
    for (let first = 0; first < readings; first += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, readings - first) }, (_, offset) => {
        const n = first + offset;
        return { addon, deviceId, id: `${prefix}-${n}`, ts: fromTs + n, data: { filled: n } };
      });
      writer.write(batch);
    }
  } finally {
    database.close();
  }
}
