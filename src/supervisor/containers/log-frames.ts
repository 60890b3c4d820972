/**
 * An engine's log stream taken apart (Docker Engine API, "Stream format"): frames of `{type, 0, 0, 0, length}` and text,
 * lines with a time before each. Pure but for what it remembers between chunks.
 */
import type { LineType } from '../addon-output.ts';
import { LineSplitter } from '../line-splitter.ts';

const HEADER_BYTES = 8;
const STDERR = 2;
/** Longer than any time and a line together may be told. */
const TIME_MAX_CHARS = 64;

export interface TimedLine {
  type: LineType;
  /** As the engine wrote it: RFC 3339 with up to nine digits of a second. */
  at: string;
  text: string;
}

export class LogFrames {
  readonly #lines: TimedLine[] = [];
  readonly #splitters: Record<LineType, LineSplitter>;
  readonly #decoders = { LOG: new TextDecoder(), ERR: new TextDecoder() };
  #rest: Buffer = Buffer.alloc(0);
  #frame: { type: LineType; left: number } | undefined;

  constructor(lineMaxChars: number) {
    const splitter = (type: LineType) =>
      new LineSplitter(lineMaxChars + TIME_MAX_CHARS, (line) => this.#take(type, line));
    this.#splitters = { LOG: splitter('LOG'), ERR: splitter('ERR') };
  }

  /** The lines that are whole with this chunk. */
  push(chunk: Buffer): TimedLine[] {
    let buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (buffer.length > 0) {
      if (!this.#frame) {
        if (buffer.length < HEADER_BYTES) break;
        const type = buffer[0] === STDERR ? 'ERR' : 'LOG';
        this.#frame = { type, left: buffer.readUInt32BE(4) };
        buffer = buffer.subarray(HEADER_BYTES);
      }
      const { type, left } = this.#frame;
      const piece = buffer.subarray(0, left);
      this.#splitters[type].push(this.#decoders[type].decode(piece, { stream: true }));
      buffer = buffer.subarray(piece.length);
      this.#frame = piece.length < left ? { type, left: left - piece.length } : undefined;
    }
    this.#rest = Buffer.from(buffer);
    return this.#lines.splice(0);
  }

  /** What stands after the last line's end. */
  end(): TimedLine[] {
    this.#splitters.LOG.end();
    this.#splitters.ERR.end();
    return this.#lines.splice(0);
  }

  #take(type: LineType, line: string): void {
    const space = line.indexOf(' ');
    if (space <= 0) return; // an empty line: its time alone
    const [at, text] = [line.slice(0, space), line.slice(space + 1)];
    if (text !== '') this.#lines.push({ type, at, text });
  }
}

/** Nanoseconds since 1970 of such a time; undefined where it is none. */
export function nanoseconds(at: string): bigint | undefined {
  const parts = /^(.*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(at);
  const [, whole = '', fraction = '', zone = ''] = parts ?? [];
  const ms = Date.parse(whole + zone);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** The same as an engine takes it: seconds with a fraction. */
export function engineTime(ns: bigint): string {
  return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;
}
