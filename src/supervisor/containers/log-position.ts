/**
 * How far the log of each container was read, and how far it was told: the first in memory, the second in a file, written
 * right after the telling. So the next daemon reads on just behind what was told, whether this one ended or was killed:
 * no line is left out, and none told again but for those of the very moment between telling and writing.
 *
 * Lines have times to the nanosecond. The two outputs are written down side by side, so a line of one may come after a
 * later line of the other: each has a position of its own.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type OnDamaged, readOrSetAside } from '../../lib/set-aside.ts';
import type { LineType } from '../addon-output.ts';
import { nanoseconds, type TimedLine } from './log-frames.ts';

const pointSchema = v.object({
  /** Time of the last line, as the engine wrote it. */
  at: v.string(),
  /** How many lines had just that time. */
  count: v.number(),
});
const positionSchema = v.object({
  container: v.string(),
  LOG: v.optional(pointSchema),
  ERR: v.optional(pointSchema),
});
type Position = v.InferOutput<typeof positionSchema>;

/** The two outputs are not further apart in what an engine wrote down. */
const APART_NS = 1_000_000_000n;

/** What was read of one container's log. */
export class LogPosition {
  readonly #position: Position;

  constructor(position: Position) {
    this.#position = position;
  }

  /** Nanoseconds since 1970, from which on the log is read; undefined: from its beginning. */
  get since(): bigint | undefined {
    const times = [this.#position.LOG, this.#position.ERR].flatMap(
      (point) => nanoseconds(point?.at ?? '') ?? [],
    );
    if (times.length === 0) return undefined;
    return times.reduce((least, time) => (time < least ? time : least)) - APART_NS;
  }

  /** What tells new lines from those that were read; lines are given to it in their order, from `since` on. */
  filter(): (line: TimedLine) => boolean {
    const seen = { ...this.#position };
    const passed: Record<LineType, number> = { LOG: 0, ERR: 0 };
    return ({ type, at }) => {
      const point = seen[type];
      const [time, last] = [nanoseconds(at), nanoseconds(point?.at ?? '')];
      if (!point || time === undefined || last === undefined || time > last) return true;
      if (time < last) return false;
      passed[type] += 1;
      return passed[type] > point.count;
    };
  }

  /** One more line was read. */
  add({ type, at }: TimedLine): void {
    const point = this.#position[type];
    this.#position[type] = { at, count: point?.at === at ? point.count + 1 : 1 };
  }

  get isOf(): string {
    return this.#position.container;
  }

  toJSON(): Position {
    return this.#position;
  }
}

export class LogPositions {
  readonly #folder: string;
  readonly #onDamaged: OnDamaged;
  readonly #read = new Map<string, LogPosition>();
  readonly #written = new Map<string, string>();

  constructor(folder: string, onDamaged: OnDamaged) {
    this.#folder = folder;
    this.#onDamaged = onDamaged;
  }

  /** Of this container: where its log is read on from. */
  async of(slug: string, container: string): Promise<LogPosition> {
    const held = this.#read.get(slug);
    if (held?.isOf === container) return held;
    const kept = await readOrSetAside(this.#path(slug), positionSchema, this.#onDamaged);
    const position = new LogPosition(kept?.container === container ? kept : { container });
    this.#read.set(slug, position);
    return position;
  }

  /** All that was read so far was told. At once: whoever kills the daemon finds it written. @throws Error */
  noteTold(slug: string): void {
    const position = this.#read.get(slug);
    if (!position) return;
    const text = JSON.stringify(position);
    if (this.#written.get(slug) === text) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path(slug);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    this.#written.set(slug, text);
  }

  async remove(slug: string): Promise<void> {
    this.#read.delete(slug);
    this.#written.delete(slug);
    await rm(this.#path(slug), { recursive: true, force: true });
  }

  #path(slug: string): string {
    return join(this.#folder, `${slug}.log-position`);
  }
}
