/**
 * A pack: some hundred readings of one device in one row, column by column, so that a history reads a few rows in
 * place of one to a page. It is a copy: the readings themselves stay as they are. Pure.
 *
 * The body is lines of JSON, of which only those that are asked for are parsed: the times (the first, then the steps
 * between them), which shape each reading has (empty where all have the same), and for each shape in turn one line
 * for each of its values. A column whose values are all the same holds that one.
 */
import type { JsonValue } from '../../model/json.ts';
import { joinData } from '../reading-shape.ts';
import type { ShapeNode } from './attribute-shape.ts';

/** One reading as its row has it. */
export interface PackedReading {
  ts: number;
  shape: number;
  values: readonly JsonValue[];
}

export interface Pack {
  /** Each shape with the number of its values: `[3,4,7,2]`. */
  shapes: string;
  body: string;
}

const LINES_BEFORE_COLUMNS = 2;

/** @param readings in the order of their time */
export function encodePack(readings: readonly PackedReading[]): Pack {
  const columns = new Map<number, JsonValue[][]>();
  for (const { shape, values } of readings) {
    const ofShape = columns.get(shape) ?? values.map(() => []);
    columns.set(shape, ofShape);
    for (const [index, column] of ofShape.entries()) column.push(values[index] ?? null);
  }
  const shapes = [...columns.keys()];
  const steps = readings.map(({ ts }, index) => ts - (readings[index - 1]?.ts ?? 0));
  const lines = [
    JSON.stringify(steps),
    shapes.length > 1 ? JSON.stringify(readings.map(({ shape }) => shapes.indexOf(shape))) : '',
    ...[...columns.values()].flat().map(columnText),
  ];
  return {
    shapes: JSON.stringify([...columns].flatMap(([shape, { length }]) => [shape, length])),
    body: lines.join('\n'),
  };
}

function columnText(column: readonly JsonValue[]): string {
  const [first = null] = column;
  const text = JSON.stringify(first);
  // -0 and 0 are the same text, and so the same value once they are stored
  return column.every((value) => value === first || JSON.stringify(value) === text)
    ? `[${text}]`
    : JSON.stringify(column);
}

/** The shapes of a pack's readings, each with the number of its values. */
export function shapesOfPack(shapes: string): Map<number, number> {
  const pairs = JSON.parse(shapes) as number[];
  return new Map(
    Array.from({ length: pairs.length / 2 }, (_, n) => [pairs[2 * n] as number, pairs[2 * n + 1] as number]),
  );
}

/** Reads single values off a pack; a column is parsed when it is first asked for. */
export class PackReader {
  readonly times: readonly number[];
  readonly #lines: string[];
  /** Which of `#shapes` each reading has; absent where there is one. */
  readonly #order: readonly number[] | undefined;
  /** The place of each reading among those of its shape. */
  readonly #ranks: readonly number[] | undefined;
  readonly #shapes: readonly { shape: number; line: number }[];
  readonly #columns = new Map<number, readonly JsonValue[]>();

  constructor({ shapes, body }: Pack) {
    this.#lines = body.split('\n');
    this.times = timesOf(JSON.parse(this.#lines[0] as string) as number[]);
    let line = LINES_BEFORE_COLUMNS;
    this.#shapes = [...shapesOfPack(shapes)].map(([shape, columns]) => {
      line += columns;
      return { shape, line: line - columns };
    });
    const order = this.#lines[1];
    this.#order = order ? (JSON.parse(order) as number[]) : undefined;
    this.#ranks = this.#order && ranksOf(this.#order);
  }

  shapeOf(reading: number): number {
    return this.#shapes[this.#order?.[reading] ?? 0]?.shape as number;
  }

  /** What lies at `node` of the reading's shape. */
  valueAt(reading: number, { skeleton, first, size, keys }: ShapeNode): JsonValue {
    const begin = (this.#shapes[this.#order?.[reading] ?? 0]?.line as number) + first;
    const rank = this.#ranks?.[reading] ?? reading;
    if (!keys) return this.#value(begin, rank);
    return joinData(
      skeleton,
      Array.from({ length: size }, (_, index) => this.#value(begin + index, rank)),
    );
  }

  #value(line: number, rank: number): JsonValue {
    let column = this.#columns.get(line);
    if (!column) {
      column = JSON.parse(this.#lines[line] as string) as JsonValue[];
      this.#columns.set(line, column);
    }
    return (column.length === 1 ? column[0] : column[rank]) as JsonValue;
  }
}

function timesOf(steps: readonly number[]): number[] {
  let ts = 0;
  return steps.map((step) => {
    ts += step;
    return ts;
  });
}

function ranksOf(order: readonly number[]): number[] {
  const counts: number[] = [];
  return order.map((shape) => {
    const rank = counts[shape] ?? 0;
    counts[shape] = rank + 1;
    return rank;
  });
}
