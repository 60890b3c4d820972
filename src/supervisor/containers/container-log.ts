/**
 * Reads what one container writes, line by line, from where the last reading ended. Nothing is left out: the engine
 * keeps the log (bounded), so a flood is read slowly.
 */
import { pause } from '../../lib/deadline.ts';
import type { Logger } from '../../lib/logger.ts';
import { OUTPUT_LIMITS, type OutputLimits } from '../addon-output.ts';
import { LastWords } from '../last-words.ts';
import type { Engine } from './engine.ts';
import { engineTime, LogFrames, type TimedLine } from './log-frames.ts';
import type { LogPosition, LogPositions } from './log-position.ts';

const WINDOW_MS = 1_000;

export interface ContainerLogParts {
  engine: Engine;
  positions: LogPositions;
  slug: string;
  container: string;
  onLine: (line: TimedLine) => void;
  logger: Logger;
  limits?: OutputLimits;
}

export class ContainerLog {
  readonly #parts: ContainerLogParts;
  readonly #limits: OutputLimits;
  readonly #lastWords = new LastWords();
  readonly #ending = new AbortController();
  readonly #hurrying = new AbortController();
  #windowMs = 0;
  #linesInWindow = 0;
  #following: Promise<void> | undefined;

  constructor(parts: ContainerLogParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? OUTPUT_LIMITS;
  }

  /** Reads on until the container ends or the engine is gone; called again, from there on. Never rejects. */
  follow(): Promise<void> {
    this.#following ??= this.#follow()
      .catch((error: unknown) => {
        if (this.#ending.signal.aborted) return;
        const { logger, slug } = this.#parts;
        logger.warn({ addon: slug, err: error }, 'the log of its container could not be read on');
      })
      .finally(() => {
        this.#following = undefined;
      });
    return this.#following;
  }

  /** Its writer is gone: the rest is read at once, as far as it comes within `ms`. */
  async drain(ms: number): Promise<void> {
    this.#hurrying.abort();
    const read = new AbortController();
    void this.follow().then(() => read.abort());
    await pause(ms, read.signal);
    await this.close();
  }

  /** Reads no further. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#hurrying.abort();
    await this.#following;
  }

  lastWords(): string {
    return this.#lastWords.text();
  }

  async #follow(): Promise<void> {
    const { engine, positions, slug, container } = this.#parts;
    const { signal } = this.#ending;
    if (signal.aborted) return;
    const position = await positions.of(slug, container);
    const { since } = position;
    const stream = await engine.logs(container, since === undefined ? '0' : engineTime(since), signal);
    const frames = new LogFrames(this.#limits.lineMaxChars);
    const isNew = position.filter();
    for await (const chunk of stream) {
      for (const line of frames.push(chunk as Buffer)) if (isNew(line)) await this.#give(line, position);
    }
    for (const line of frames.end()) if (isNew(line)) await this.#give(line, position);
  }

  async #give(line: TimedLine, position: LogPosition): Promise<void> {
    const { signal } = this.#hurrying;
    const nowMs = performance.now();
    if (nowMs - this.#windowMs >= WINDOW_MS) [this.#windowMs, this.#linesInWindow] = [nowMs, 0];
    else if (this.#linesInWindow >= this.#limits.linesPerSecond && !signal.aborted) {
      await pause(WINDOW_MS - (nowMs - this.#windowMs), signal);
      [this.#windowMs, this.#linesInWindow] = [performance.now(), 0];
    }
    if (this.#ending.signal.aborted) return;
    this.#linesInWindow += 1;
    position.add(line);
    if (line.type === 'ERR') this.#lastWords.add(line.text);
    this.#parts.onLine(line);
  }
}
