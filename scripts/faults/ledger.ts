/**
 * What stands in the store, read beside the daemon from the file itself, against what the witness was told: every
 * reading that was acknowledged is there, once.
 */
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { demand } from './scenario.ts';
import type { Witness } from './witness.ts';

const SHOWN_MAX = 10;
const BUSY_MS = 5_000;

export class Ledger {
  readonly #path: string;
  /** Numbers that were found so far. */
  readonly #found = new Set<number>();
  #lastSeq = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get stored(): number {
    return this.#found.size;
  }

  /** What has come since the last look. @throws FaultFound for a reading that is missing, or there twice */
  look(witness: Witness): void {
    witness.note();
    // told before it is looked for: so it must be there
    const acked = [...witness.acked];
    this.#read((database) => {
      const rows = database
        .prepare(
          `SELECT seq, vals FROM reading r JOIN device d ON d.k = r.dev
           WHERE r.seq > ? AND d.id IN (${witness.deviceIds.map(() => '?').join()}) ORDER BY seq`,
        )
        .all(this.#lastSeq, ...witness.deviceIds);
      const twice: number[] = [];
      for (const { seq, vals } of rows) {
        const [n] = JSON.parse(String(vals)) as [number];
        if (this.#found.has(n)) twice.push(n);
        this.#found.add(n);
        this.#lastSeq = Number(seq);
      }
      demand(twice.length === 0, () => `${twice.length} readings are there twice: ${shown(twice)}`);
    });
    const lost = acked.filter((n) => !this.#found.has(n));
    demand(lost.length === 0, () => `${lost.length} acknowledged readings are not there: ${shown(lost)}`);
  }

  /** The whole file: each of its readings is still there, its counts agree, and SQLite finds it sound. */
  audit(witness: Witness): void {
    this.look(witness);
    this.demandSound();
    this.#read((database) => {
      const of = `FROM reading r JOIN device d ON d.k = r.dev WHERE d.id IN (${witness.deviceIds.map(() => '?').join()})`;
      const kept = database
        .prepare(`SELECT count(*) AS n, count(DISTINCT vals) AS numbers ${of}`)
        .get(...witness.deviceIds);
      demand(
        kept?.['n'] === this.#found.size && kept['numbers'] === this.#found.size,
        () =>
          `${kept?.['n']} readings of ${kept?.['numbers']} numbers are there, and ${this.#found.size} were`,
      );
      const uneven = database
        .prepare(
          `SELECT count(*) AS n FROM (SELECT dev, sum(n) AS n FROM reading_count GROUP BY dev) c
           WHERE c.n <> (SELECT count(*) FROM reading WHERE dev = c.dev)`,
        )
        .get();
      demand(
        uneven?.['n'] === 0,
        () => `the counts of ${uneven?.['n']} devices are not those of their readings`,
      );
    });
  }

  /** The same for an add-on that keeps its own account, a number in each line; its device is found by its name. */
  auditJournal({ device, acked }: { device: string; acked: string }): void {
    // a torn last line was never acknowledged to anybody
    const told = new Set(readFileSync(acked, 'utf8').split('\n').slice(0, -1).map(Number));
    this.#read((database) => {
      const rows = database
        .prepare(
          `SELECT vals, count(*) AS copies FROM reading r JOIN device d ON d.k = r.dev
           WHERE d.record ->> '$.name' = ? GROUP BY vals`,
        )
        .all(device);
      const twice = rows
        .filter(({ copies }) => Number(copies) > 1)
        .map(({ vals }) => Number(JSON.parse(String(vals))[0]));
      for (const { vals } of rows) told.delete(Number(JSON.parse(String(vals))[0]));
      demand(
        rows.length > 0 && told.size === 0,
        () => `${told.size} readings of the journal are lost: ${shown([...told])}`,
      );
      demand(
        twice.length === 0,
        () => `${twice.length} readings of the journal are there twice: ${shown(twice)}`,
      );
    });
  }

  /** The numbers, as the store gives them, of a device's readings. */
  seqsOf(deviceIds: readonly string[]): number[] {
    return this.#read((database) =>
      database
        .prepare(
          `SELECT seq FROM reading r JOIN device d ON d.k = r.dev WHERE d.id IN (${deviceIds.map(() => '?').join()})`,
        )
        .all(...deviceIds)
        .map(({ seq }) => Number(seq)),
    );
  }

  /** As SQLite finds it, all of its pages and indices. */
  demandSound(): void {
    const found = this.#read((database) => database.prepare('PRAGMA integrity_check').all());
    const words = found.map((row) => String(row['integrity_check']));
    demand(words.join() === 'ok', () => `the store is damaged: ${words.slice(0, 3).join('; ')}`);
  }

  /** A figure from the store as it is. */
  figure(sql: string, ...values: (string | number)[]): number {
    return this.#read((database) =>
      Number(Object.values(database.prepare(sql).get(...values) ?? {})[0] ?? 0),
    );
  }

  #read<T>(work: (database: DatabaseSync) => T): T {
    const database = new DatabaseSync(this.#path, { readOnly: true, timeout: BUSY_MS });
    try {
      // one moment, though the daemon writes on
      database.exec('BEGIN');
      return work(database);
    } finally {
      database.close();
    }
  }
}

function shown(numbers: readonly number[]): string {
  return `${numbers.slice(0, SHOWN_MAX).join(', ')}${numbers.length > SHOWN_MAX ? ', …' : ''}`;
}
