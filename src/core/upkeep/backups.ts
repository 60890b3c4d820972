/**
 * Backups that a caller asks for and then fetches: one at a time, the last one kept for a day. How it goes is told as
 * `maintenanceChanged`; whoever comes later reads it in `view`.
 */
import type { Readable } from 'node:stream';
import { GatewayError, reasonOf } from '../../model/error.ts';
import type { GatewayEventBus } from '../events.ts';
import type { BackupMaker, BackupSeal, WorkProgress } from './maintenance-ports.ts';
import type { BackupView } from './maintenance-views.ts';

/** How long a backup waits to be fetched: it is encrypted, but takes room. */
export const BACKUP_KEPT_MS = 24 * 3_600_000;

export interface BackupsParts {
  maker: BackupMaker;
  events: GatewayEventBus;
  /** Milliseconds since 1970. */
  now: () => number;
  onTrouble: (error: unknown) => void;
}

export class Backups {
  readonly #parts: BackupsParts;
  #view: BackupView = { state: 'none' };
  #work: { abort: AbortController; done: Promise<void> } | undefined;
  #letGo: NodeJS.Timeout | undefined;

  constructor(parts: BackupsParts) {
    this.#parts = parts;
  }

  /** One that was ready before a restart is ready still; one that was being taken is not. */
  async start(): Promise<void> {
    const taken = await this.#parts.maker.kept();
    if (!taken) return;
    const { takenAt: ts, ...rest } = taken;
    this.#view = { state: 'ready', ...rest, ts };
    this.#keep(ts + BACKUP_KEPT_MS - this.#parts.now());
  }

  async stop(): Promise<void> {
    clearTimeout(this.#letGo);
    this.#work?.abort.abort();
    await this.#work?.done;
  }

  view(): BackupView {
    return this.#view;
  }

  /** Begins one; the one before is let go. @throws GatewayError conflict while one is taken */
  begin(wish: { seal: BackupSeal; readings: boolean }): BackupView {
    if (this.#work) throw new GatewayError('conflict', 'a backup is being taken already');
    clearTimeout(this.#letGo);
    const abort = new AbortController();
    this.#tell({ state: 'running', phase: 'preparing', readings: wish.readings, ts: this.#parts.now() });
    this.#work = { abort, done: this.#run(wish, abort.signal) };
    return this.#view;
  }

  /** @throws GatewayError notFound when none is ready */
  async read(): Promise<{ stream: Readable; bytes: number; takenAt: number }> {
    const { state, bytes = 0, ts = 0 } = this.#view;
    if (state !== 'ready') {
      throw new GatewayError('notFound', 'there is no backup to fetch', {
        hint: 'have one taken: POST /maintenance/v1/backup',
      });
    }
    return { stream: await this.#parts.maker.read(), bytes, takenAt: ts };
  }

  /** Ends the one that is being taken, or lets the one go that is ready. */
  async drop(): Promise<void> {
    clearTimeout(this.#letGo);
    if (this.#work) {
      this.#work.abort.abort(new GatewayError('conflict', 'the backup was cancelled'));
      await this.#work.done;
      return;
    }
    await this.#parts.maker.drop();
    this.#tell({ state: 'none' });
  }

  async #run(wish: { seal: BackupSeal; readings: boolean }, signal: AbortSignal): Promise<void> {
    const { maker, now } = this.#parts;
    const { readings } = wish;
    const ts = now();
    try {
      await maker.drop();
      const onProgress = (progress: WorkProgress) => {
        if (!signal.aborted) this.#tell({ state: 'running', ...progress, readings, ts });
      };
      const { takenAt, ...taken } = await maker.take(wish, { onProgress, signal });
      this.#tell({ state: 'ready', ...taken, ts: takenAt });
      this.#keep(BACKUP_KEPT_MS);
    } catch (error) {
      const reason = reasonOf(
        signal.aborted && signal.reason instanceof GatewayError ? signal.reason : error,
      );
      this.#tell({ state: 'failed', reason, ts: now() });
    } finally {
      this.#work = undefined;
    }
  }

  #keep(forMs: number): void {
    this.#letGo = setTimeout(() => void this.drop().catch(this.#parts.onTrouble), Math.max(0, forMs));
    this.#letGo.unref();
  }

  #tell(view: BackupView): void {
    this.#view = view;
    this.#parts.events.emit('maintenanceChanged', { of: 'backup', ...view });
  }
}
