/** Log lines on the page: those that there are, then those that come. Bounded, the oldest let go first. */
import { api, request } from '../api/client.ts';
import type { LiveLog } from '../live/live-log.ts';

/** Of all programs together. */
export const LINES_MAX = 2_000;
/** Those that come while the page is paused wait, up to as many. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export interface Line {
  id: number;
  log: string;
  at: number;
  level: string;
  message: string;
  isTrouble: boolean;
}
type Told = { message: string; type: 'LOG' | 'ERR'; timestamp: number; level?: string | undefined };

export class LogLines {
  #lines = $state.raw<readonly Line[]>([]);
  #waiting = $state.raw<readonly Line[]>([]);
  #paused = $state(false);
  #nextId = 0;

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** How many have come since it was paused. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) return;
    this.#lines = bounded([...this.#lines, ...this.#waiting]);
    this.#waiting = [];
  }

  clear(): void {
    this.#lines = [];
    this.#waiting = [];
  }

  /** What each program has written so far, in place of what is shown. @throws ApiError */
  async load(gatewayId: string, logs: readonly string[]): Promise<void> {
    const all = await Promise.all(
      logs.map(async (log) => {
        const params = { path: { deviceId: gatewayId, containerId: log } };
        const lines = await request(() =>
          api.GET('/device/v1/devices/{deviceId}/{containerId}/logs', { params }),
        );
        return lines.map((line) => this.#lineOf(log, line));
      }),
    );
    this.#waiting = [];
    this.#lines = bounded(all.flat().sort((one, other) => one.at - other.at || one.id - other.id));
  }

  take({ log, lines }: LiveLog): void {
    const come = lines.map((line) => this.#lineOf(log, line));
    if (this.#paused) this.#waiting = bounded([...this.#waiting, ...come]);
    else this.#lines = bounded([...this.#lines, ...come]);
  }

  #lineOf(log: string, { message, type, timestamp, level = type === 'ERR' ? 'error' : 'info' }: Told): Line {
    this.#nextId += 1;
    return {
      id: this.#nextId,
      log,
      at: timestamp,
      level,
      message: withoutPrefix(message, log),
      isTrouble: LEVELS.indexOf(level) >= LEVELS.indexOf('warn'),
    };
  }
}

/** The gateway's own lines begin with their time and its name, which stand beside them here. */
function withoutPrefix(message: string, log: string): string {
  return message.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, '').replace(new RegExp(`^${log} `), '');
}

function bounded(lines: readonly Line[]): readonly Line[] {
  return lines.length > LINES_MAX ? lines.slice(-LINES_MAX) : lines;
}
