/**
 * Request bodies: JSON in UTF-8, at most 1 MiB, nested at most 64 deep. What is too large is refused before it
 * is kept; the rest of it is read and thrown away, so that the caller hears the answer.
 */
import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../model/error.ts';
import { type JsonValue, withinDepth } from '../model/json.ts';

export const BODY_MAX_BYTES = 1024 * 1024;
export const BODY_MAX_DEPTH = 64;

/** @returns undefined when there is no body @throws GatewayError badRequest, tooLarge, unsupportedMediaType */
export async function readJson(request: IncomingMessage): Promise<JsonValue | undefined> {
  const { headers } = request;
  const announced = Number(headers['content-length'] ?? 0);
  if (announced === 0 && headers['transfer-encoding'] === undefined) return undefined;
  if (announced > BODY_MAX_BYTES) throw tooLarge();
  checkMediaType(request);
  const bytes = await collect(request);
  return bytes.length === 0 ? undefined : parse(bytes);
}

function checkMediaType({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters
    .map((parameter) => parameter.trim())
    .find((parameter) => parameter.startsWith('charset='));
  const encoding = headers['content-encoding'] ?? 'identity';
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (type.trim() === 'application/json' && isUtf8 && encoding === 'identity') return;
  throw new GatewayError('unsupportedMediaType', 'a body must be JSON in UTF-8, not compressed', {
    hint: 'send Content-Type: application/json',
  });
}

function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_MAX_BYTES) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(tooLarge());
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => reject(new GatewayError('badRequest', 'the body ended early')));
    request.on('error', (cause) => reject(new GatewayError('badRequest', 'the body ended early', { cause })));
  });
}

function parse(bytes: Buffer): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new GatewayError('badRequest', 'the body is not valid JSON', { cause });
  }
  if (withinDepth(value, BODY_MAX_DEPTH)) return value;
  throw new GatewayError('badRequest', `the body is nested deeper than ${BODY_MAX_DEPTH} levels`);
}

function tooLarge(): GatewayError {
  return new GatewayError('tooLarge', `a body may have at most ${BODY_MAX_BYTES} bytes`);
}
