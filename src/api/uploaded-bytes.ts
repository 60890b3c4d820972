/**
 * A request body that is handed on as it comes, never whole in memory. What is announced as too large is refused at once;
 * the bound itself is its taker's to keep.
 */
import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../model/error.ts';

/** @throws GatewayError unsupportedMediaType, tooLarge at once; badRequest while it is read, when it ends early */
export function uploadedBytes(
  request: IncomingMessage,
  { mediaType, maxBytes }: { mediaType: string; maxBytes: number },
): AsyncIterable<Buffer> {
  const { headers } = request;
  const type = (headers['content-type'] ?? '').toLowerCase().split(';')[0]?.trim();
  const encoding = headers['content-encoding'] ?? 'identity';
  if (type !== mediaType || encoding !== 'identity') {
    throw new GatewayError('unsupportedMediaType', 'a file is sent as it is, not compressed and in no form', {
      hint: `send Content-Type: ${mediaType}`,
    });
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    throw new GatewayError('tooLarge', `a file may have at most ${maxBytes} bytes`);
  }
  return read(request);
}

async function* read(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of request) yield chunk as Buffer;
  } catch (cause) {
    throw new GatewayError('badRequest', 'the file ended early', { cause });
  }
}
