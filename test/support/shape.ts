/**
 * Whether an answer has the shape of a printed one: every printed key is there, nested as printed, its value of the
 * printed type; every entry of a list looks like one of the printed entries; times are written as printed. What the
 * answer has beside that is an addition, which the contract allows.
 */
import assert from 'node:assert/strict';

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

export interface ShapeOptions {
  /** Paths whose inside belongs to each device: only the type is compared there. `[]` stands for each entry. */
  opaque?: readonly string[];
}

/** @throws AssertionError that names the path that differs */
export function assertShape(printed: unknown, real: unknown, options: ShapeOptions = {}): void {
  const difference = differenceIn({ printed, real, at: '', opaque: options.opaque ?? [] });
  assert.equal(difference, undefined, `${difference}\nin ${JSON.stringify(real)?.slice(0, 2_000)}`);
}

interface Compared {
  printed: unknown;
  real: unknown;
  at: string;
  opaque: readonly string[];
}

function differenceIn({ printed, real, at, opaque }: Compared): string | undefined {
  const where = at === '' ? 'the answer' : at;
  const [wanted, found] = [kindOf(printed), kindOf(real)];
  if (wanted !== found) return `${where} is ${found}, printed as ${wanted}`;
  if (opaque.includes(at)) return undefined;
  if (Array.isArray(printed)) return differenceInList(printed, real as unknown[], { at, opaque });
  if (wanted === 'object') {
    for (const [key, value] of Object.entries(printed as object)) {
      const inner = at === '' ? key : `${at}.${key}`;
      if (!Object.hasOwn(real as object, key)) return `${inner} is missing`;
      const different = differenceIn({
        printed: value,
        real: (real as Record<string, unknown>)[key],
        at: inner,
        opaque,
      });
      if (different) return different;
    }
  }
  return undefined;
}

function differenceInList(
  printed: unknown[],
  real: unknown[],
  { at, opaque }: Pick<Compared, 'at' | 'opaque'>,
): string | undefined {
  if (printed.length === 0) return undefined;
  if (real.length === 0) return `${at === '' ? 'the answer' : at} has no entry`;
  for (const entry of real) {
    const differences = printed.map((shown) =>
      differenceIn({ printed: shown, real: entry, at: `${at}[]`, opaque }),
    );
    // the first that is like it is the one that it is compared with
    if (!differences.includes(undefined)) return differences[0];
  }
  return undefined;
}

/** The type, and for a time how it is written. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'string') return typeof value;
  const time = ISO_TIME.exec(value);
  return time ? `time with ${time[1]?.length ?? 0} decimals and ${time[2]}` : 'string';
}
