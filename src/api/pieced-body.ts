/**
 * The body of an answer that may be large: written and encoded piece by piece, with the event loop between them. Up to
 * 2 MiB it goes at once, with its length, which is quickest. What is larger is sent as it is written, so that the
 * whole of it is never in memory and a slow reader holds up the writing.
 */
import { Readable } from 'node:stream';

/** Pieces are gathered up to so many characters before they are encoded: short-lived, and never moved in memory. */
const PIECE_CHARS = 48_000;
/** Written without a turn of the event loop: some 2 ms of work at most. */
const TURN_CHARS = 480_000;
const WHOLE_BYTES_MAX = 2_097_152;

/** For `context.body`. The pieces, text or UTF-8, are asked for one by one. */
export async function piecedBody(texts: Iterable<string | Buffer>): Promise<Buffer | Readable> {
  const pieces = encoded(texts);
  const begun: Buffer[] = [];
  for (let bytes = 0; bytes <= WHOLE_BYTES_MAX; ) {
    const { done, value } = await pieces.next();
    if (done) return Buffer.concat(begun);
    begun.push(value);
    bytes += value.length;
  }
  return Readable.from(continued(begun, pieces), { objectMode: false });
}

async function* continued(begun: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* begun;
  yield* rest;
}

async function* encoded(texts: Iterable<string | Buffer>): AsyncGenerator<Buffer, undefined> {
  let piece = '';
  let chars = 0;
  for (const text of texts) {
    if (typeof text === 'string') {
      piece += text;
      if (piece.length < PIECE_CHARS) continue;
    }
    if (piece !== '') yield Buffer.from(piece);
    chars += piece.length;
    piece = '';
    if (typeof text !== 'string') {
      yield text;
      chars += text.length;
    }
    if (chars < TURN_CHARS) continue;
    chars = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (piece !== '') yield Buffer.from(piece);
}
