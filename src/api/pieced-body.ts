/**
 * The body of an answer that may be large: written, encoded and sent piece by piece, so that the whole of it is never
 * in memory, a slow reader holds up the writing, and the event loop has its turn in between. What is small goes at
 * once, with its length.
 */
import { Readable } from 'node:stream';

/** Pieces are gathered up to so many characters: one write to the connection. */
const WRITE_CHARS = 48_000;
/** Written without a turn of the event loop: some 2 ms of work. */
const TURN_CHARS = 480_000;

/** For `context.body`. The texts are asked for one by one, and only as fast as they are sent. */
export function piecedBody(texts: Iterable<string>): string | Readable {
  const pieces = gathered(texts);
  const first = pieces.next();
  if (first.done) return '';
  const second = pieces.next();
  if (second.done) return first.value;
  return Readable.from(encoded([first.value, second.value], pieces), { objectMode: false });
}

function* gathered(texts: Iterable<string>): Generator<string, undefined> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length < WRITE_CHARS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

async function* encoded(begun: readonly string[], rest: Iterable<string>): AsyncGenerator<Buffer> {
  let chars = 0;
  for (const pieces of [begun, rest]) {
    for (const piece of pieces) {
      yield Buffer.from(piece);
      chars += piece.length;
      if (chars < TURN_CHARS) continue;
      chars = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
