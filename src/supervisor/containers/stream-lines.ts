/** The lines of a stream that may be ended from outside: unlike `readline` it ends with it. Bounded. */
import type { Readable } from 'node:stream';

/** A record of the engine longer than this is none. */
const LINE_MAX_CHARS = 1024 * 1024;

/** Ends, or throws, when the stream does. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk as Buffer, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > LINE_MAX_CHARS) throw new Error('the engine sent a line without end');
  }
  if (rest !== '') yield rest;
}
