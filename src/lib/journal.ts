/**
 * How urgent a line is, as systemd's journal reads it: `<4>` at its begin (sd-daemon(3)). So `journalctl -p warning`
 * finds what is worth a look among lines that are JSON.
 */
import { fstatSync } from 'node:fs';

const PRIORITIES: Record<string, number> = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7, trace: 7 };
const INFO = 6;
/** pino writes the level first. */
const LEVEL = /^\{"level":"(\w+)"/;

/** Does this file descriptor lead into the journal? (systemd.exec(5), JOURNAL_STREAM) */
export function leadsToJournal(environment: Record<string, string | undefined>, descriptor: number): boolean {
  const stream = environment['JOURNAL_STREAM'];
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** A line of the log as the journal takes it. */
export function withPriority(line: string): string {
  return `<${PRIORITIES[LEVEL.exec(line)?.[1] ?? ''] ?? INFO}>${line}`;
}

/** What ends the daemon, one line. */
export function asError(line: string): string {
  return `<${PRIORITIES['error']}>${line}`;
}
