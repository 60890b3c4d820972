/** What all parts stand on: what the daemon was given, the clock, the events, the health, and who is running. */
import { existsSync, statSync } from 'node:fs';
import { type CloudSettings, cloudSettings } from '../config/cloud-settings.ts';
import type { Settings } from '../config/settings.ts';
import { redatedWords } from '../core/clock/redated-words.ts';
import type { GatewayEventBus, GatewayEvents } from '../core/events.ts';
import { Health } from '../core/health.ts';
import { bootTimeMs, readBootId } from '../lib/boot-time.ts';
import { EventBus } from '../lib/event-bus.ts';
import type { LogRing } from '../lib/log-ring.ts';
import type { Logger } from '../lib/logger.ts';
import { shortId } from '../lib/short-id.ts';
import type { GatewayError } from '../model/error.ts';
import { RunningParts } from './running-parts.ts';

/** Made by systemd-timesyncd when it has set the clock, anew in each run of the box; systemd-timesyncd.service(8). */
const NETWORK_TIME_FILE = '/run/systemd/timesync/synchronized';

export interface GatewayParts {
  /** Of gate itself, as its package has it. */
  version: string;
  settings: Settings;
  /** Absolute, made and usable: see `config/data-folder.ts`. */
  dataFolder: string;
  /** Folder of the add-ons that ship with gate. */
  addonsFolder: string;
  /** Of this machine, as Node calls it. */
  architecture: string;
  /** The `gate` command, which takes backups: its file. */
  cliPath: string;
  /** The Node that runs process add-ons, and the environment they inherit a few names of. */
  nodePath: string;
  environment: Record<string, string | undefined>;
  logger: Logger;
  /** The last lines of that log. */
  ownLog: LogRing;
  /** Stop, and start again. */
  onRestart: () => void;
  /** Something broke that the daemon cannot go on without. */
  onFault: (error: GatewayError) => void;
}

export interface Ground extends GatewayParts {
  /** Undefined for a gateway that stands alone. */
  cloud: CloudSettings | undefined;
  running: RunningParts;
  events: GatewayEventBus;
  health: Health;
  /** When this gate was made, in milliseconds since 1970. */
  builtAt: number;
  /** Which run of the box this is, and for how long it has run. */
  bootId: string;
  bootTimeMs: () => number;
  hasNetworkTime: () => boolean;
  /** Milliseconds since 1970. */
  now: () => number;
  monotonicNow: () => number;
  newId: () => string;
}

export function layGround(parts: GatewayParts): Ground {
  const { logger } = parts;
  const now = () => Date.now();
  const events = new EventBus<GatewayEvents>((event, error) => {
    logger.error({ event, err: error }, 'a listener failed');
  });
  return {
    ...parts,
    cloud: cloudSettings(parts.settings),
    // as packaged, files have the time of their making
    builtAt: statSync(import.meta.filename).mtimeMs,
    bootId: readBootId(),
    bootTimeMs,
    hasNetworkTime: () => existsSync(NETWORK_TIME_FILE),
    running: new RunningParts({ logger }),
    events,
    health: new Health({ events, now, vital: ['store', 'broker'] }),
    now,
    monotonicNow: () => performance.now(),
    newId: () => shortId(),
  };
}

/** What happens to the gateway as a whole is in its log too. */
export function logEvents({ events, logger }: Ground): void {
  events.on('healthChanged', ({ part, state, reason }) => {
    const level = state === 'failed' || state === 'degraded' ? 'warn' : 'info';
    logger[level]({ part, state, reason }, `${part} is ${state}${reason === undefined ? '' : `: ${reason}`}`);
  });
  events.on('clockSet', ({ byMs, isRight }) => {
    const direction = byMs > 0 ? 'forward' : 'back';
    const seconds = Math.round(Math.abs(byMs) / 1_000);
    const says = isRight ? '' : ', to what cannot be right';
    logger[isRight ? 'info' : 'warn'](
      { byMs },
      `the clock of this box was set ${direction} by ${seconds} s${says}`,
    );
  });
  events.on('readingsRedated', ({ count, estimated }) => {
    logger.info(
      { count, estimated },
      `${redatedWords({ count, estimated })}: the clock of this box is right now`,
    );
  });
  events.on('readingsDropped', ({ count, reason, notRelayed = 0 }) => {
    const lost = notRelayed > 0 ? `; the cloud had not got ${notRelayed} of them` : '';
    logger.warn(
      { count, reason, notRelayed },
      `${count} readings were deleted to keep within RETENTION_${reason === 'age' ? 'DAYS' : 'MB'}${lost}`,
    );
  });
}
