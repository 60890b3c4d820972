/**
 * Writes readings: one transaction a batch, with all that must never disagree with them: the counts by hour, the
 * shapes a device has sent, and the ids by which a repeat is recognised. Runs in the writer thread.
 */
import { REPEAT_WINDOW } from '../contract/limits.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { RelayRules } from '../model/relay-rules.ts';
import type { ClockNote } from './clock/clock-note.ts';
import type { ClockStretches } from './clock/clock-stretches.ts';
import { RepeatWindow } from './files/repeat-window.ts';
import type { ReadingPacks } from './history/reading-packs.ts';
import { HOUR_MS } from './hours.ts';
import { splitData, WHOLE_SKELETON } from './reading-shape.ts';
import type { RelayProgress } from './relay/relay-progress.ts';
import type { RelayRuns } from './relay/relay-runs.ts';
import { RelayThinning } from './relay/relay-thinning.ts';
import { type Database, inTransaction, type Statement } from './sqlite.ts';
import type { QueuedReading } from './writer-messages.ts';

/** Shapes kept apart; a device that invents keys without end has its later readings kept whole. */
const SHAPES_MAX = 4_096;

/** Most old batches of ids that one commit deletes. */
const DELIVERIES_DROPPED_MAX = 1_000;

/** What one transaction gathers: `learned` is known once it is on disk, `undo` takes back what it only tried. */
interface Batch {
  /** Ids accepted, by add-on. */
  accepted: Map<string, Set<string>>;
  /** Readings by device and hour. */
  counts: Map<number, Map<number, number>>;
  learned: (() => void)[];
  undo: (() => void)[];
}

interface Deliveries {
  window: RepeatWindow;
  /** The batches on disk, oldest first, with the number of ids in each. */
  batches: { batch: number; n: number }[];
  total: number;
}

/** Readings are numbered for the cloud in the transaction that stores them. */
interface Relay {
  relaying: boolean;
  runs: RelayRuns;
  progress: RelayProgress;
}

export interface ReadingWriterParts {
  database: Database;
  packs: ReadingPacks;
  /** Absent: nothing is relayed. */
  relay?: Relay;
  /** Absent: every time is taken as it is. */
  clock?: { stretches: ClockStretches; note: ClockNote };
}

export class ReadingWriter {
  readonly #database: Database;
  readonly #packs: ReadingPacks;
  readonly #relay: Relay | undefined;
  readonly #clock: ReadingWriterParts['clock'];
  readonly #devices = new Map<string, number>();
  readonly #shapes = new Map<string, number>();
  /** Of the devices that have rules; with the rules as text, to see whether they have changed. */
  readonly #thinning = new Map<number, { rules: string; thinning: RelayThinning }>();
  readonly #presence = new Set<string>();
  readonly #deliveries = new Map<string, Deliveries>();
  readonly #insert: Statement;
  readonly #count: Statement;
  readonly #addShape: Statement;
  readonly #addPresence: Statement;
  readonly #addDelivery: Statement;
  readonly #dropDelivery: Statement;
  readonly #deliveredIds: Statement;

  constructor({ database, packs, relay, clock }: ReadingWriterParts) {
    this.#database = database;
    this.#packs = packs;
    this.#relay = relay;
    this.#clock = clock;
    this.#insert = database.prepare('INSERT INTO reading (dev, ts, shape, vals) VALUES (?, ?, ?, ?)');
    this.#count = database.prepare(
      'INSERT INTO reading_count VALUES (?, ?, ?) ON CONFLICT (dev, hour) DO UPDATE SET n = n + excluded.n',
    );
    this.#addShape = database.prepare('INSERT INTO shape (k, skeleton) VALUES (?, ?)');
    this.#addPresence = database.prepare('INSERT OR IGNORE INTO device_shape VALUES (?, ?)');
    this.#addDelivery = database.prepare('INSERT INTO delivery (addon, n, ids) VALUES (?, ?, ?)');
    this.#dropDelivery = database.prepare('DELETE FROM delivery WHERE batch = ?');
    this.#deliveredIds = database.prepare('SELECT ids FROM delivery WHERE batch = ?');
  }

  /** Reads what is known so far: devices, shapes and the latest ids of each add-on. */
  load(): void {
    for (const row of this.#database
      .prepare("SELECT k, id, record ->> '$.relay' AS rules FROM device WHERE record IS NOT NULL")
      .iterate()) {
      const rules = row['rules'] === null ? undefined : (JSON.parse(String(row['rules'])) as RelayRules);
      this.deviceAdded(String(row['id']), Number(row['k']), rules);
    }
    for (const row of this.#database.prepare('SELECT k, skeleton FROM shape').iterate()) {
      this.#shapes.set(String(row['skeleton']), Number(row['k']));
    }
    for (const row of this.#database.prepare('SELECT dev, shape FROM device_shape').iterate()) {
      this.#presence.add(`${row['dev']}:${row['shape']}`);
    }
    for (const row of this.#database
      .prepare('SELECT batch, addon, n, ids FROM delivery ORDER BY batch')
      .iterate()) {
      const deliveries = this.#deliveriesOf(String(row['addon']));
      const batch = Number(row['batch']);
      for (const key of idsIn(row)) deliveries.window.add(key, batch);
      this.#noteBatch(deliveries, batch, Number(row['n']));
    }
  }

  /** Also when it was changed. */
  deviceAdded(id: string, k: number, rules?: RelayRules): void {
    this.#devices.set(id, k);
    const text = JSON.stringify(rules);
    if (rules === undefined) this.#thinning.delete(k);
    else if (this.#thinning.get(k)?.rules !== text)
      this.#thinning.set(k, { rules: text, thinning: new RelayThinning(rules) });
  }

  deviceRemoved(id: string): void {
    this.#thinning.delete(this.#devices.get(id) ?? 0);
    this.#devices.delete(id);
  }

  /** @returns for each reading its seq, or 0 when it was a repeat or its device is gone */
  write(readings: readonly QueuedReading[]): number[] {
    const batch: Batch = { accepted: new Map(), counts: new Map(), learned: [], undo: [] };
    if (this.#relay) batch.undo.push(this.#relay.runs.mark());
    let seqs: number[];
    try {
      seqs = inTransaction(this.#database, () => {
        const numbers = readings.map((reading) => this.#writeOne(reading, batch));
        for (const [dev, hours] of batch.counts) {
          for (const [hour, n] of hours) this.#count.run(dev, hour, n);
        }
        for (const [addon, keys] of batch.accepted) this.#writeDelivery(addon, keys, batch);
        if (this.#relay) {
          this.#relay.runs.finish();
          batch.learned.push(this.#relay.progress.write());
        }
        if (this.#clock) batch.learned.push(this.#clock.note.write());
        return numbers;
      });
    } catch (error) {
      for (const undo of batch.undo.reverse()) undo();
      throw error;
    }
    for (const learn of batch.learned) learn();
    return seqs;
  }

  #writeOne({ addon, deviceId, id, ts: said, data, stretch }: QueuedReading, batch: Batch): number {
    const dev = this.#devices.get(deviceId);
    if (dev === undefined) return 0;
    const key = `${dev}:${id}`;
    const keys = batch.accepted.get(addon) ?? new Set();
    if (keys.has(key) || this.#deliveriesOf(addon).window.has(key)) return 0;
    batch.accepted.set(addon, keys.add(key));

    const ts = this.#clock?.stretches.timeOf(said, stretch) ?? said;
    const split = splitData(data);
    let shape = this.#shapeOf(split.skeleton, batch);
    let values: JsonValue[] = split.values;
    if (shape === undefined) {
      shape = this.#shapeOf(WHOLE_SKELETON, batch) as number;
      values = [data];
    }
    this.#notePresence(dev, shape, batch);
    this.#packs.added(dev, ts);
    const hours = batch.counts.get(dev) ?? new Map<number, number>();
    const hour = Math.floor(ts / HOUR_MS);
    batch.counts.set(dev, hours.set(hour, (hours.get(hour) ?? 0) + 1));
    const seq = Number(this.#insert.run(dev, ts, shape, JSON.stringify(values)).lastInsertRowid);
    if (stretch) this.#clock?.stretches.stored(seq, stretch);
    if (this.#relay?.relaying) this.#relay.runs.stored(seq, this.#isRelayed(dev, { ts, data }, batch));
    return seq;
  }

  #isRelayed(dev: number, { ts, data }: { ts: number; data: JsonObject }, batch: Batch): boolean {
    const thinning = this.#thinning.get(dev)?.thinning;
    if (!thinning) return true;
    batch.undo.push(thinning.mark());
    return thinning.takes(ts, data);
  }

  /** The number of a skeleton, a new one where it is new; undefined when there are too many already. */
  #shapeOf(skeleton: string, batch: Batch): number | undefined {
    const known = this.#shapes.get(skeleton);
    if (known !== undefined) return known;
    if (this.#shapes.size >= SHAPES_MAX && skeleton !== WHOLE_SKELETON) return undefined;
    const k = this.#shapes.size + 1;
    this.#addShape.run(k, skeleton);
    this.#shapes.set(skeleton, k);
    batch.undo.push(() => this.#shapes.delete(skeleton));
    return k;
  }

  #notePresence(dev: number, shape: number, batch: Batch): void {
    const pair = `${dev}:${shape}`;
    if (this.#presence.has(pair)) return;
    this.#addPresence.run(dev, shape);
    this.#presence.add(pair);
    batch.undo.push(() => this.#presence.delete(pair));
  }

  #writeDelivery(addon: string, keys: Set<string>, { learned }: Batch): void {
    const deliveries = this.#deliveriesOf(addon);
    const batch = Number(this.#addDelivery.run(addon, keys.size, JSON.stringify([...keys])).lastInsertRowid);
    let total = deliveries.total + keys.size;
    let surplus = 0;
    for (const old of deliveries.batches) {
      if (total - old.n < REPEAT_WINDOW || surplus === DELIVERIES_DROPPED_MAX) break;
      this.#dropDelivery.run(old.batch);
      total -= old.n;
      surplus += 1;
    }
    learned.push(() => {
      for (const key of keys) deliveries.window.add(key, batch);
      deliveries.batches.splice(0, surplus);
      this.#noteBatch(deliveries, batch, keys.size);
      deliveries.total = total;
    });
  }

  #noteBatch(deliveries: Deliveries, batch: number, n: number): void {
    deliveries.batches.push({ batch, n });
    deliveries.total += n;
  }

  #deliveriesOf(addon: string): Deliveries {
    const known = this.#deliveries.get(addon);
    if (known) return known;
    const deliveries: Deliveries = {
      window: new RepeatWindow({
        size: REPEAT_WINDOW,
        idsOf: (batch) => idsIn(this.#deliveredIds.get(batch)),
      }),
      batches: [],
      total: 0,
    };
    this.#deliveries.set(addon, deliveries);
    return deliveries;
  }
}

/** @throws GatewayError storeCorrupt: a row that is there and is none of ours any more */
function idsIn(row: Record<string, unknown> | undefined): string[] {
  if (row === undefined) return [];
  const ids = parsed(row['ids']);
  if (Array.isArray(ids)) return ids as string[];
  throw new GatewayError('storeCorrupt', 'the store is damaged: the ids of a delivery cannot be read');
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
