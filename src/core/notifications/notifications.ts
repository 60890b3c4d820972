/**
 * Tells of what the gateway noticed, once: the same subject about the same thing is not told again before it is
 * over, or a day has passed. Over is what has stayed over for a minute, so that an add-on which fails again and
 * again is one notification and not a thousand. What was told is remembered in memory: a restart tells anew of
 * what is still wrong.
 */
import type { Notification } from '../../model/notification.ts';
import type { GatewayEventBus } from '../events.ts';
import type { NotificationLog } from './notification-log.ts';

/** After so long, what still goes on is told again. */
export const REPEAT_AFTER_MS = 86_400_000;
/** So long a trouble has to stay away. */
export const RECOVERY_MS = 60_000;

export type Notice = Omit<Notification, 'id' | 'ts'>;

export interface Settling {
  recovered?: Notice;
  /** Where it is not the usual time. */
  recoveryMs?: number;
}

export interface NotificationsParts {
  log: NotificationLog;
  events: GatewayEventBus;
  now: () => number;
  /** Makes a UUID. */
  newId: () => string;
  recoveryMs?: number;
}

interface OpenTrouble {
  toldAt: number;
  recovery?: NodeJS.Timeout | undefined;
}

export class Notifications {
  readonly #parts: NotificationsParts;
  readonly #open = new Map<string, OpenTrouble>();

  constructor(parts: NotificationsParts) {
    this.#parts = parts;
  }

  /** Forgets what is open. Nothing is told of it after that. */
  stop(): void {
    for (const { recovery } of this.#open.values()) clearTimeout(recovery);
    this.#open.clear();
  }

  /** Something is wrong with `about`. */
  raise(about: string, notice: Notice): void {
    const key = keyOf(notice.subject, about);
    const open = this.#open.get(key);
    const now = this.#parts.now();
    this.relapse(notice.subject, about);
    if (open && now - open.toldAt < REPEAT_AFTER_MS) return;
    this.#open.set(key, { toldAt: now });
    this.#tell(notice);
  }

  /** It is over, unless it begins again within the recovery time. `recovered` is told then. */
  settle(subject: string, about: string, { recovered, recoveryMs }: Settling = {}): void {
    const key = keyOf(subject, about);
    const open = this.#open.get(key);
    if (!open || open.recovery) return;
    open.recovery = setTimeout(
      () => {
        this.#open.delete(key);
        if (recovered) this.#tell(recovered);
      },
      recoveryMs ?? this.#parts.recoveryMs ?? RECOVERY_MS,
    );
    open.recovery.unref();
  }

  /** About how many things this is told at present. */
  openCount(subject: string): number {
    return [...this.#open.keys()].filter((key) => key.startsWith(`${subject} `)).length;
  }

  isOpen(subject: string, about: string): boolean {
    return this.#open.has(keyOf(subject, about));
  }

  /** It is not over after all. */
  relapse(subject: string, about: string): void {
    const open = this.#open.get(keyOf(subject, about));
    if (!open) return;
    clearTimeout(open.recovery);
    open.recovery = undefined;
  }

  /** What it was about is gone. */
  forget(subject: string, about: string): void {
    this.relapse(subject, about);
    this.#open.delete(keyOf(subject, about));
  }

  /** The last `count` that match, newest first. */
  last(count: number, matches: (notification: Notification) => boolean): Notification[] {
    return this.#parts.log.last(count, matches);
  }

  #tell(notice: Notice): void {
    const { log, events, now, newId } = this.#parts;
    const notification: Notification = { id: newId(), ts: now(), ...notice };
    log.add(notification);
    events.emit('notificationRaised', notification);
  }
}

function keyOf(subject: string, about: string): string {
  return `${subject} ${about}`;
}
