/**
 * Reads what one container writes, line by line, from where the last reading ended. Nothing is left out: the engine
 * keeps the log (bounded), so a flood is read slowly.
 */
import { pause } from '../../lib/deadline.ts';
import type { Logger } from '../../lib/logger.ts';
import { OUTPUT_LIMITS, type OutputLimits } from '../addon-output.ts';
import { LastWords } from '../last-words.ts';
import type { Engine } from './engine.ts';
import { engineTime, LogFrames, nanoseconds, type TimedLine } from './log-frames.ts';
import type { LogPositions } from './log-position.ts';

const SAVE_MS = 2_000;
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
  #at: string | undefined;
  #savedAt: string | undefined;
  #saveTimer: NodeJS.Timeout | undefined;
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

  /** Reads no further, and keeps how far it came. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#hurrying.abort();
    await this.#following;
    await this.#save();
  }

  lastWords(): string {
    return this.#lastWords.text();
  }

  async #follow(): Promise<void> {
    const { engine, positions, slug, container } = this.#parts;
    const { signal } = this.#ending;
    if (signal.aborted) return;
    this.#at ??= await positions.read(slug, container);
    const from = this.#at;
    const seen = from === undefined ? undefined : nanoseconds(from);
    const stream = await engine.logs(container, from === undefined ? '0' : engineTime(from), signal);
    const frames = new LogFrames(this.#limits.lineMaxChars);
    // the engine gives the last line that was read once more
    const isNew = ({ at }: TimedLine) => seen === undefined || (nanoseconds(at) ?? 0n) > seen;
    for await (const chunk of stream) {
      for (const line of frames.push(chunk as Buffer)) if (isNew(line)) await this.#give(line);
    }
    for (const line of frames.end()) if (isNew(line)) await this.#give(line);
  }

  async #give(line: TimedLine): Promise<void> {
    const { signal } = this.#hurrying;
    const nowMs = performance.now();
    if (nowMs - this.#windowMs >= WINDOW_MS) [this.#windowMs, this.#linesInWindow] = [nowMs, 0];
    else if (this.#linesInWindow >= this.#limits.linesPerSecond && !signal.aborted) {
      await pause(WINDOW_MS - (nowMs - this.#windowMs), signal);
      [this.#windowMs, this.#linesInWindow] = [performance.now(), 0];
    }
    if (this.#ending.signal.aborted) return;
    this.#linesInWindow += 1;
    this.#at = line.at;
    if (line.type === 'ERR') this.#lastWords.add(line.text);
    this.#parts.onLine(line);
    this.#saveTimer ??= setTimeout(() => void this.#save(), SAVE_MS).unref();
  }

  async #save(): Promise<void> {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    const { positions, slug, container, logger } = this.#parts;
    const at = this.#at;
    if (at === undefined || at === this.#savedAt) return;
    this.#savedAt = at;
    await positions
      .save(slug, { container, at })
      .catch((error: unknown) =>
        logger.warn({ addon: slug, err: error }, 'how far its log was read is not kept'),
      );
  }
}
