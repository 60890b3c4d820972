/** Folders to one stream and back by the system's own `tar`, without a shell. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../model/error.ts';

/** What `tar` says of its trouble, at most. */
const SAID_MAX_CHARS = 2_000;
/** Of a full disk it has the system's words, or how much of a block was still taken, as chance has it. */
const FULL = /no space left|wrote only \d+ of \d+/i;

/** Everything below `folder`. `done` rejects when it failed: what was read of the stream is then worth nothing. */
export function packed(folder: string): { stream: Readable; done: Promise<void> } {
  const child = spawn('tar', ['--create', '--sort=name', `--directory=${folder}`, '.'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { stream: child.stdout as Readable, done: ended(child, 'cannot be packed') };
}

/** @throws GatewayError badRequest when the stream ends early, or is no such archive */
export async function unpacked(stream: Readable, folder: string): Promise<void> {
  const child = spawn(
    'tar',
    ['--extract', `--directory=${folder}`, '--no-same-owner', '--no-same-permissions', '--file=-'],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  const done = ended(child, 'cannot be unpacked');
  // reported by `pipeline`, which fails first
  done.catch(() => undefined);
  try {
    await pipeline(stream, child.stdin as NodeJS.WritableStream);
  } catch (cause) {
    child.kill();
    throw new GatewayError('badRequest', `the backup is damaged: ${(cause as Error).message}`, { cause });
  }
  await done;
}

async function ended(child: ChildProcess, what: string): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-SAID_MAX_CHARS);
  });
  const [code, signal] = await once(child, 'close');
  if (code === 0) return;
  throw tarFailure(what, said.trim() || `tar ended with ${code ?? signal}`);
}

/** @param what of the backup; said: in tar's words */
export function tarFailure(what: string, said: string): GatewayError {
  const hint = 'the disk is full: make room on it, then do it again';
  return new GatewayError('internal', `the backup ${what}: ${said}`, FULL.test(said) ? { hint } : {});
}
