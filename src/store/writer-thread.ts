/**
 * The writer thread: the only connection that writes. Calls arrive as messages and are carried out one after the
 * other; each is one transaction and is answered when it is on disk. On a slow card an fsync takes long: here it
 * keeps nobody else waiting.
 */
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { ClientRecord } from '../model/client.ts';
import type { Device } from '../model/device.ts';
import type { GatewayError } from '../model/error.ts';
import type { InstalledProtocol } from '../model/protocol.ts';
import { ClockNote } from './clock/clock-note.ts';
import { ClockStretches } from './clock/clock-stretches.ts';
import { DiskCheck } from './damage/disk-check.ts';
import { ReadingPacks } from './history/reading-packs.ts';
import { openMigrated } from './migrations.ts';
import { saveNotifications } from './notification-table.ts';
import { ReadingWriter } from './reading-writer.ts';
import { RelayProgress } from './relay/relay-progress.ts';
import { RelayRuns } from './relay/relay-runs.ts';
import { Retention } from './retention.ts';
import { type Database, inTransaction, passingTrouble, storeError } from './sqlite.ts';
import type {
  WriterCallName,
  WriterCalls,
  WriterData,
  WriterFailure,
  WriterGreeting,
  WriterReply,
  WriterRequest,
} from './writer-messages.ts';

type Handlers = { [K in WriterCallName]: (argument: WriterCalls[K]['argument']) => WriterCalls[K]['answer'] };

const { path, relaying } = workerData as WriterData;

function handlersOf(database: Database): Handlers {
  const packs = new ReadingPacks(database);
  const progress = new RelayProgress(database);
  const runs = new RelayRuns(database, relaying);
  const clock = new ClockStretches({ database, packs });
  const clockNote = new ClockNote(database);
  const readings = new ReadingWriter({
    database,
    packs,
    relay: { relaying, runs, progress },
    clock: { stretches: clock, note: clockNote },
  });
  readings.load();
  const retention = new Retention({ database, packs, progress });
  return {
    commit: (batch) => readings.write(batch),
    saveDevice: (device: Device) => {
      // in a transaction: by itself a statement that is read from is committed when it is reset, and node:sqlite does
      // not tell when that fails
      const saved = inTransaction(database, () =>
        database
          .prepare(
            'INSERT INTO device (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record RETURNING k',
          )
          .get(device.id, JSON.stringify(device)),
      );
      readings.deviceAdded(device.id, Number(saved?.['k']), device.relay);
      return null;
    },
    removeDevice: (deviceId) => {
      database.prepare('UPDATE device SET record = NULL WHERE id = ?').run(deviceId);
      readings.deviceRemoved(deviceId);
      return null;
    },
    saveProtocol: (protocol: InstalledProtocol) => {
      database
        .prepare(
          'INSERT INTO protocol VALUES (?, ?) ON CONFLICT (slug) DO UPDATE SET record = excluded.record',
        )
        .run(protocol.slug, JSON.stringify(protocol));
      return null;
    },
    removeProtocol: (slug) => {
      database.prepare('DELETE FROM protocol WHERE slug = ?').run(slug);
      return null;
    },
    saveNotifications: (notifications) => {
      saveNotifications(database, notifications);
      return null;
    },
    saveClient: (client: ClientRecord) => {
      database
        .prepare('INSERT INTO client VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record')
        .run(client.clientId, JSON.stringify(client));
      return null;
    },
    removeClient: (clientId) => {
      database.prepare('DELETE FROM client WHERE id = ?').run(clientId);
      return null;
    },
    getOn: () => null,
    keep: ({ key, value }) => {
      database.prepare('INSERT OR IGNORE INTO meta VALUES (?, ?)').run(key, value);
      return String(database.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value']);
    },
    retain: (limits) => retention.step(limits),
    pack: (work) => packs.step(work),
    noteRelayed: (pending) => {
      progress.note(pending);
      return null;
    },
    noteClock: (right) => {
      clockNote.note(right);
      return null;
    },
    redate: (right) => clock.redate(right),
    saveRelayed: () => {
      progress.save();
      return null;
    },
    close: () => {
      database.close();
      return null;
    },
  };
}

/** These write nothing. */
const CALM: readonly WriterCallName[] = ['getOn', 'noteRelayed', 'close'];

function answer<K extends WriterCallName>(
  handlers: Handlers,
  disk: DiskCheck,
  { id, call, argument }: WriterRequest<K>,
): WriterReply {
  const work = () => handlers[call](argument);
  try {
    return { id, answer: CALM.includes(call) ? work() : disk.written(work) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}

function failureOf(error: unknown): WriterFailure {
  const { code, message, hint } = storeError(error, path) as GatewayError & { code: WriterFailure['code'] };
  return { code, message, hint, passing: passingTrouble(error) };
}

async function serve(): Promise<void> {
  const greet = (greeting: WriterGreeting) => parentPort?.postMessage(greeting);
  try {
    const database = await openMigrated(path);
    const handlers = handlersOf(database);
    const disk = new DiskCheck({ folder: dirname(path), database });
    const epoch = String(database.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()?.['value']);
    parentPort?.on('message', (request: WriterRequest) => {
      parentPort?.postMessage(answer(handlers, disk, request));
      if (request.call === 'close') parentPort?.close();
    });
    greet({ ready: { epoch } });
  } catch (error) {
    greet({ failure: failureOf(error) });
  }
}

await serve();
