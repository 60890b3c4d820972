/**
 * What one run of an add-on writes, line by line. Bounded in length and rate: what is too much is counted and said
 * once a second. A flood is also read slowly, so that it costs the add-on its time and not the daemon; never so
 * slowly that an add-on blocked on a write would miss its broker's keep-alive.
 */
import type { Readable } from 'node:stream';
import { LastWords } from './last-words.ts';
import { LineSplitter } from './line-splitter.ts';

export type LineType = 'LOG' | 'ERR';
export type OnLine = (slug: string, type: LineType, line: string) => void;

export interface OutputLimits {
  lineMaxChars: number;
  linesPerSecond: number;
}

export const OUTPUT_LIMITS: OutputLimits = { lineMaxChars: 4096, linesPerSecond: 200 };

const WINDOW_MS = 1_000;
const FLOOD_CHARS = 1024 * 1024;
const FLOOD_PAUSE_MS = 50;

export class AddonOutput {
  readonly #slug: string;
  readonly #onLine: OnLine;
  readonly #limits: OutputLimits;
  readonly #lastWords = new LastWords();
  readonly #streams = new Map<Readable, LineSplitter>();
  #windowTimer: NodeJS.Timeout | undefined;
  #pauseTimer: NodeJS.Timeout | undefined;
  #linesInWindow = 0;
  #charsInWindow = 0;
  #leftOut = 0;
  #throttled = true;

  constructor(parts: { slug: string; onLine: OnLine; limits: OutputLimits }) {
    this.#slug = parts.slug;
    this.#onLine = parts.onLine;
    this.#limits = parts.limits;
  }

  follow(stream: Readable, type: LineType): void {
    const splitter = new LineSplitter(this.#limits.lineMaxChars, (line) => this.#line(type, line));
    this.#streams.set(stream, splitter);
    stream.setEncoding('utf8');
    stream.on('error', () => undefined); // a pipe that broke says nothing that the exit does not
    stream.on('data', (chunk: string) => {
      this.#charsInWindow += chunk.length;
      splitter.push(chunk);
      this.#openWindow();
      if (this.#throttled && (this.#leftOut > 0 || this.#charsInWindow > FLOOD_CHARS)) this.#slowDown();
    });
  }

  /** The writer is gone: what lies in the pipes is read at once. */
  hurry(): void {
    this.#throttled = false;
    this.#resume();
  }

  /** Gives out what is left and lets go of the streams. */
  end(): void {
    this.#resume();
    for (const [stream, splitter] of this.#streams) {
      splitter.end();
      stream.destroy();
    }
    this.#closeWindow();
  }

  lastWords(): string {
    return this.#lastWords.text();
  }

  #line(type: LineType, line: string): void {
    if (type === 'ERR') this.#lastWords.add(line);
    this.#linesInWindow += 1;
    if (this.#linesInWindow > this.#limits.linesPerSecond) this.#leftOut += 1;
    else this.#onLine(this.#slug, type, line);
  }

  #openWindow(): void {
    this.#windowTimer ??= setTimeout(() => this.#closeWindow(), WINDOW_MS);
    this.#windowTimer.unref();
  }

  #closeWindow(): void {
    clearTimeout(this.#windowTimer);
    this.#windowTimer = undefined;
    const leftOut = this.#leftOut;
    this.#linesInWindow = 0;
    this.#charsInWindow = 0;
    this.#leftOut = 0;
    if (leftOut === 0) return;
    const { linesPerSecond } = this.#limits;
    this.#onLine(
      this.#slug,
      'ERR',
      `gate left out ${leftOut} lines: this add-on wrote more than ${linesPerSecond} in a second`,
    );
  }

  #slowDown(): void {
    for (const stream of this.#streams.keys()) stream.pause();
    this.#pauseTimer ??= setTimeout(() => this.#resume(), FLOOD_PAUSE_MS);
  }

  #resume(): void {
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = undefined;
    for (const stream of this.#streams.keys()) if (!stream.destroyed) stream.resume();
  }
}
