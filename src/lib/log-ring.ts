/**
 * The last lines of one log, in memory: bounded in number and size, the oldest let go first. Each line has a number
 * of its own, so that a reader can ask for what came since.
 */
export type LogType = 'LOG' | 'ERR';

export interface LogLine {
  /** When it was written; milliseconds since 1970, as is `ingestionTime`. */
  timestamp: number;
  type: LogType;
  message: string;
  /** How serious it is, where that is known: `info`, `warn`, … */
  level?: string;
  /** When it came in here. */
  ingestionTime: number;
}

export const RING_MAX_LINES = 1_000;
export const RING_MAX_BYTES = 256 * 1024;
/** What a line has beyond this is cut off. */
export const LINE_MAX_CHARS = 16 * 1024;

export class LogRing {
  #lines: LogLine[] = [];
  #sizes: number[] = [];
  #bytes = 0;
  #added = 0;
  /** Told of each line that is added. */
  onAdded: (() => void) | undefined;

  /** How many lines there have been: the number of the last one. */
  get added(): number {
    return this.#added;
  }

  add(line: LogLine): void {
    const message = line.message.slice(0, LINE_MAX_CHARS);
    const size = Buffer.byteLength(message);
    this.#lines.push({ ...line, message });
    this.#sizes.push(size);
    this.#added += 1;
    this.#bytes += size;
    while (this.#lines.length > RING_MAX_LINES || this.#bytes > RING_MAX_BYTES) {
      this.#lines.shift();
      this.#bytes -= this.#sizes.shift() ?? 0;
    }
    this.onAdded?.();
  }

  /** Oldest first. */
  lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** Those after the line with number `number`, as far as they are still here. */
  since(number: number): LogLine[] {
    const count = Math.min(this.#added - number, this.#lines.length);
    return this.#lines.slice(this.#lines.length - count);
  }
}
