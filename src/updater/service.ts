/** The gateway's service, as an update stops and starts it: systemd's. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GatewayError } from '../model/error.ts';

const run = promisify(execFile);
/** Longer than the unit's TimeoutStopSec. */
const CALL_MS = 60_000;
const UNIT = 'gate.service';
const UNITS_FOLDER = '/etc/systemd/system';
const RULES_FOLDER = '/etc/udev/rules.d';

/** What an update needs of whoever runs the daemon. Each call ends within a minute. */
export interface GatewayService {
  /** Resolves when the daemon is gone. */
  stop: () => Promise<void>;
  /** Does not wait until it is up. */
  start: () => Promise<void>;
  /** How often it was started again by itself since `start`, and the process that runs now. */
  look: () => Promise<{ restarts: number; processId: number }>;
  /** Takes the service files that come with a release. */
  takeFiles: (release: string) => Promise<void>;
}

export class SystemdService implements GatewayService {
  #restartsBefore = 0;

  async stop(): Promise<void> {
    await systemctl('stop', UNIT);
  }

  async start(): Promise<void> {
    await systemctl('reset-failed', UNIT).catch(() => undefined);
    await systemctl('start', '--no-block', UNIT);
    this.#restartsBefore = (await this.#show()).restarts;
  }

  async look(): Promise<{ restarts: number; processId: number }> {
    const { restarts, processId } = await this.#show();
    return { restarts: Math.max(0, restarts - this.#restartsBefore), processId };
  }

  async takeFiles(release: string): Promise<void> {
    const from = join(release, 'packaging');
    const changed = [
      ...copyChanged(join(from, 'systemd'), UNITS_FOLDER),
      ...copyChanged(join(from, 'udev'), RULES_FOLDER),
    ];
    if (changed.length > 0) await systemctl('daemon-reload');
  }

  async #show(): Promise<{ restarts: number; processId: number }> {
    const text = await systemctl('show', UNIT, '--property=NRestarts,MainPID');
    const value = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1] ?? 0);
    return { restarts: value('NRestarts'), processId: value('MainPID') };
  }
}

/** @returns the names of those that were others before */
function copyChanged(from: string, to: string): string[] {
  if (!existsSync(from) || !existsSync(to)) return [];
  const changed = readdirSync(from).filter((name) => {
    const there = join(to, name);
    return !existsSync(there) || !readFileSync(there).equals(readFileSync(join(from, name)));
  });
  for (const name of changed) copyFileSync(join(from, name), join(to, name));
  return changed;
}

async function systemctl(...words: string[]): Promise<string> {
  try {
    return (await run('systemctl', words, { timeout: CALL_MS })).stdout;
  } catch (cause) {
    throw new GatewayError('internal', `systemctl ${words.join(' ')} failed: ${(cause as Error).message}`, {
      cause,
    });
  }
}
