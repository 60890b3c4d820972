/**
 * The notifications there are: all of them in memory, and on disk as soon as that is possible. They are written
 * together, at most once a second and one write at a time, so that they never hold up a commit of readings; what
 * the disk refuses is written later and served meanwhile. A power cut may take the last second's.
 */
import { NOTIFICATIONS_KEPT_MAX } from '../../model/limits.ts';
import type { Notification } from '../../model/notification.ts';
import type { NotificationStore } from '../ports.ts';

const WRITE_DELAY_MS = 1_000;
const RETRY_MS = 15_000;

export interface NotificationLogParts {
  store: NotificationStore;
  /** A write failed; it is tried again. */
  onTrouble: (error: unknown) => void;
}

export class NotificationLog {
  readonly #parts: NotificationLogParts;
  /** Oldest first. */
  #kept: Notification[] = [];
  #unwritten: Notification[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: NotificationLogParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#kept = this.#parts.store.notifications();
  }

  /** Writes what is not on disk yet, if the disk takes it. Nothing is written after that. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  add(notification: Notification): void {
    for (const list of [this.#kept, this.#unwritten]) {
      list.push(notification);
      if (list.length > NOTIFICATIONS_KEPT_MAX) list.shift();
    }
    this.#schedule(WRITE_DELAY_MS);
  }

  /** The last `count` that match, newest first. */
  last(count: number, matches: (notification: Notification) => boolean): Notification[] {
    const found: Notification[] = [];
    for (let index = this.#kept.length - 1; index >= 0 && found.length < count; index -= 1) {
      const notification = this.#kept[index] as Notification;
      if (matches(notification)) found.push(notification);
    }
    return found;
  }

  #schedule(delayMs: number): void {
    if (this.#timer || this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#writing = this.#write().then((isWritten) => {
        this.#timer = undefined;
        if (this.#unwritten.length > 0) this.#schedule(isWritten ? WRITE_DELAY_MS : RETRY_MS);
      });
    }, delayMs);
    this.#timer.unref();
  }

  /** Never rejects; false when the disk refused. */
  async #write(): Promise<boolean> {
    const batch = this.#unwritten;
    if (batch.length === 0) return true;
    this.#unwritten = [];
    try {
      await this.#parts.store.saveNotifications(batch);
      return true;
    } catch (error) {
      // written twice it is still kept once: the store knows it by its id
      this.#unwritten = [...batch, ...this.#unwritten].slice(-NOTIFICATIONS_KEPT_MAX);
      this.#parts.onTrouble(error);
      return false;
    }
  }
}
