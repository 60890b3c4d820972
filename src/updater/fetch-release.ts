/**
 * Fetches a release into the spool from an address that the operator allows (`UPDATE_URLS`). A connection that breaks
 * is taken up where it broke. Whether the release is genuine is the updater's to judge: it has the keys.
 */
import { createWriteStream, rmSync, statSync } from 'node:fs';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { backoffMs } from '../lib/backoff.ts';
import { pause } from '../lib/deadline.ts';
import { GatewayError } from '../model/error.ts';
import { SMALL_FILE_MAX_BYTES } from './release-check.ts';
import { ARCHIVE_MAX_BYTES } from './releases.ts';

/** Nothing came for so long. */
const IDLE_MS = 30_000;
const ATTEMPTS = 6;
const BACKOFF = { minMs: 1_000, maxMs: 30_000 };
const REDIRECTS_MAX = 5;

export interface Fetching {
  url: string;
  /** Prefixes: scheme, host and port the same, and the path begins so. */
  allowed: readonly string[];
  spool: string;
  onProgress?: (bytes: number, total: number | undefined) => void;
  /** Tests wait less. */
  waitMs?: (attempt: number) => number;
}

/** Where a version lies: below the first allowed address. @throws GatewayError forbidden where none is allowed */
export function urlOfVersion(version: string, architecture: string, allowed: readonly string[]): string {
  const [first] = allowed;
  if (first === undefined) throw notAllowed(`gate ${version}`);
  return `${first.replace(/\/?$/, '/')}gate-${version}-linux-${architecture}.tar.gz`;
}

/** @throws GatewayError forbidden */
export function demandAllowed(url: string, allowed: readonly string[]): URL {
  const asked = URL.parse(url);
  const isAllowed = allowed.some((entry) => {
    const prefix = URL.parse(entry.replace(/\/?$/, '/'));
    return asked && prefix && asked.origin === prefix.origin && asked.pathname.startsWith(prefix.pathname);
  });
  if (!asked || !isAllowed || !/^https?:$/.test(asked.protocol) || asked.username || asked.password)
    throw notAllowed(url);
  return asked;
}

/** @returns the archive's name in the spool @throws GatewayError forbidden, unavailable, tooLarge */
export async function fetchRelease(fetching: Fetching): Promise<string> {
  const url = demandAllowed(fetching.url, fetching.allowed);
  const name = 'fetched.tar.gz';
  for (const suffix of ['', '.sha256', '.sig']) rmSync(join(fetching.spool, name + suffix), { force: true });
  for (const suffix of ['.sha256', '.sig', '']) {
    const whole = new URL(url);
    whole.pathname += suffix;
    await fetchFile(whole, join(fetching.spool, name + suffix), {
      ...fetching,
      maxBytes: suffix === '' ? ARCHIVE_MAX_BYTES : SMALL_FILE_MAX_BYTES,
    });
  }
  return name;
}

type FileFetching = Fetching & { maxBytes: number };

async function fetchFile(url: URL, path: string, fetching: FileFetching): Promise<void> {
  const { waitMs = (attempt: number) => backoffMs(attempt, BACKOFF) } = fetching;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await fetchOn(url, path, fetching);
      return;
    } catch (cause) {
      const final = cause instanceof GatewayError || attempt + 1 === ATTEMPTS;
      if (cause instanceof GatewayError) throw cause;
      if (final) {
        throw new GatewayError('unavailable', `${url} could not be fetched: ${(cause as Error).message}`, {
          hint: 'look whether the box reaches that address, and ask for the update again',
          cause,
        });
      }
      await pause(waitMs(attempt));
    }
  }
}

/** One connection: goes on behind what is there. */
async function fetchOn(url: URL, path: string, fetching: FileFetching): Promise<void> {
  const begun = sizeOf(path);
  const answer = await answerOf(url, begun, fetching);
  const goesOn = answer.statusCode === 206;
  // 416: there is nothing behind what is there
  if (answer.statusCode === 416 && begun > 0) {
    answer.resume();
    return;
  }
  if (answer.statusCode !== 200 && !goesOn) {
    answer.resume();
    throw statusError(url, answer.statusCode ?? 0);
  }
  let bytes = goesOn ? begun : 0;
  const length = Number(answer.headers['content-length']);
  const total = Number.isFinite(length) ? bytes + length : undefined;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > fetching.maxBytes)
      answer.destroy(new GatewayError('tooLarge', `${url} is larger than any release`));
    else fetching.onProgress?.(bytes, total);
  });
  await pipeline(answer, createWriteStream(path, { flags: goesOn ? 'a' : 'w', mode: 0o600 }));
  if (total !== undefined && bytes !== total) throw new Error('the connection ended early');
}

async function answerOf(url: URL, from: number, { allowed }: FileFetching): Promise<IncomingMessage> {
  let at = url;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const answer = await ask(at, from);
    const { location } = answer.headers;
    if (location === undefined || (answer.statusCode ?? 0) < 300 || (answer.statusCode ?? 0) >= 400)
      return answer;
    answer.resume();
    // what leads elsewhere has to be allowed too
    at = demandAllowed(String(new URL(location, at)), allowed);
  }
  throw new GatewayError('unavailable', `${url} leads from one address to the next`);
}

function ask(url: URL, from: number): Promise<IncomingMessage> {
  const get = url.protocol === 'https:' ? getSecure : getPlain;
  const headers = from > 0 ? { range: `bytes=${from}-` } : {};
  return new Promise((resolve, reject) => {
    const asked = get(url, { headers, timeout: IDLE_MS }, resolve);
    asked.on('timeout', () => asked.destroy(new Error(`nothing came for ${IDLE_MS / 1_000} s`)));
    asked.on('error', reject);
  });
}

function statusError(url: URL, status: number): Error {
  // what will not be otherwise the next time
  if (status >= 400 && status < 500 && status !== 408 && status !== 429)
    return new GatewayError('notFound', `${url} was answered ${status}`, { hint: 'is that release there?' });
  return new Error(`it was answered ${status}`);
}

function notAllowed(what: string): GatewayError {
  return new GatewayError('forbidden', `${what} may not be fetched: UPDATE_URLS does not have its address`, {
    hint: 'put the address into UPDATE_URLS, or hand over the archive as a file',
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
