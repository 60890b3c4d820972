/** A large file sent to the gateway in pieces: one that is lost on its way is sent again, and nothing before it. */
import { ApiError } from '../api/api-error.ts';
import { fetchAs } from '../api/client.ts';
import { session } from '../session/session.svelte.ts';

/** So that a slow line carries one within the time that the gateway gives a request (30 s). */
const PIECE_BYTES = 2 * 1024 * 1024;
const ATTEMPTS = 6;
const WAIT_MS = 1_000;
const WAIT_MAX_MS = 15_000;

export interface Sending {
  path: string;
  file: Blob;
  onProgress: (bytes: number) => void;
  signal: AbortSignal;
}

/** @throws ApiError; DOMException when it is aborted */
export async function sendFile({ path, file, onProgress, signal }: Sending): Promise<void> {
  let failures = 0;
  for (let offset = 0; offset < file.size || offset === 0; ) {
    signal.throwIfAborted();
    try {
      offset = await sendPiece(`${path}?offset=${offset}`, file.slice(offset, offset + PIECE_BYTES), signal);
      failures = 0;
      onProgress(offset);
      if (file.size === 0) return;
    } catch (thrown) {
      const error = ApiError.unanswered(thrown);
      if (signal.aborted) throw thrown;
      if (error.status === 401 && (await session.ask(error))) continue;
      failures += 1;
      // what the gateway refuses it refuses again; what did not arrive may
      if (!(error.status === 0 || error.status === 429 || error.status === 503) || failures === ATTEMPTS)
        throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(WAIT_MAX_MS, WAIT_MS * 2 ** failures)));
    }
  }
}

/** @returns how many bytes the gateway has now */
async function sendPiece(path: string, piece: Blob, signal: AbortSignal): Promise<number> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  const response = await fetchAs(new URL(path, location.origin).href, {
    method: 'POST',
    headers,
    body: piece,
    signal,
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return (body as { bytes: number }).bytes;
  throw ApiError.from(response, body);
}
