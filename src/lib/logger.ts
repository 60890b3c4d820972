/**
 * The daemon's log: pino, one JSON line an event on stdout, times in ISO 8601. Keys that may hold a
 * secret are removed whatever object they come in.
 */
import { type Logger, pino } from 'pino';

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
];

export function createLogger(level: LogLevel): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), remove: true },
  });
}
