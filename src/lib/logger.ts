/**
 * The daemon's log: pino, one JSON line an event on stdout, times in ISO 8601. Keys that may hold a
 * secret are removed whatever object they come in. A ring may keep the last lines as a person reads them.
 */
import { type Logger, pino } from 'pino';
import { withPriority } from './journal.ts';
import type { LogLine, LogRing } from './log-ring.ts';

export type { Logger };
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

const SECRET_KEYS = [
  'password',
  'token',
  'secret',
  'clientSecret',
  'client_secret',
  'authorization',
  'privateKey',
  'access_token',
  'installCode',
  'networkKey',
  'passphrase',
  'webhook',
];
const ERROR_LEVELS = new Set(['warn', 'error', 'fatal']);

export interface RecentLines {
  ring: LogRing;
  /** Stands in each of its lines, after the time. */
  name: string;
  /** Where the JSON lines go; standard output where nothing is said. */
  output?: { write: (line: string) => void };
  /** They lead into systemd's journal, which is told how urgent each is. */
  journal?: boolean;
}

export function createLogger(level: LogLevel, recent?: RecentLines): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), remove: true },
  };
  return recent ? pino(options, kept(recent)) : pino(options);
}

/** What pino writes is redacted already: so is what the ring is given. */
function kept({ ring, name, output = pino.destination(1), journal = false }: RecentLines) {
  return {
    write: (line: string) => {
      output.write(journal ? withPriority(line) : line);
      const readable = readableLine(line, name);
      if (readable) ring.add(readable);
    },
  };
}

/** Undefined for a line with `stream`: what another program said there has a ring of its own. */
function readableLine(json: string, name: string): LogLine | undefined {
  const { level, time, msg = '', err, stream, ...rest } = JSON.parse(json);
  if (stream !== undefined) return undefined;
  const parts = [time, name, msg];
  if (err) parts.push(`(${err.message ?? err})`);
  if (Object.keys(rest).length > 0) parts.push(JSON.stringify(rest));
  return {
    timestamp: Date.parse(time),
    type: ERROR_LEVELS.has(level) ? 'ERR' : 'LOG',
    level,
    message: parts.join(' '),
    ingestionTime: Date.now(),
  };
}
