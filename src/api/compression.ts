/**
 * Compression of large answers, for the routes that ask for it. Answers that hold a secret do not: compressed
 * together with what a caller chose, their length gives it away.
 */
import type { Middleware } from 'koa';
import compress from 'koa-compress';
import { codedTag } from './entity-tag.ts';
import type { ApiState } from './routes/route.ts';

/** Smaller answers fit into one packet as they are. */
export const COMPRESSION_THRESHOLD_BYTES = 1_024;

/** Brotli or gzip, as `Accept-Encoding` has it; notes the coding in the entity tag. */
export function compressed(): Middleware<ApiState> {
  const coded = compress({ threshold: COMPRESSION_THRESHOLD_BYTES, zstd: false, deflate: false });
  return async (context, next) => {
    await coded(context, next);
    const coding = context.response.get('Content-Encoding');
    const tag = context.response.get('ETag');
    if (coding && tag) context.set('ETag', codedTag(tag, coding));
  };
}
