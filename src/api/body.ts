/**
 * Request bodies: JSON in UTF-8, at most 1 MiB, nested at most 64 deep; where OAuth wants it, a form. What is too
 * large is refused before it is kept; the rest of it is read and thrown away, so that the caller hears the answer.
 */
import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../model/error.ts';
import { type JsonValue, withinDepth } from '../model/json.ts';

export const BODY_MAX_BYTES = 1024 * 1024;
export const BODY_MAX_DEPTH = 64;
const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** @returns undefined when there is no body @throws GatewayError badRequest, tooLarge, unsupportedMediaType */
export async function readJson(request: IncomingMessage): Promise<JsonValue | undefined> {
  const bytes = await readBody(request, JSON_TYPE);
  return bytes === undefined || bytes.length === 0 ? undefined : parse(bytes);
}

export function isForm({ headers }: IncomingMessage): boolean {
  return (headers['content-type'] ?? '').toLowerCase().split(';')[0]?.trim() === FORM_TYPE;
}

/** A form's fields, one value each. @throws GatewayError badRequest, tooLarge, unsupportedMediaType */
export async function readForm(request: IncomingMessage): Promise<Record<string, string>> {
  const bytes = await readBody(request, FORM_TYPE);
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(bytes?.toString() ?? '')) {
    if (fields.has(name)) throw new GatewayError('badRequest', 'the form has a field more than once');
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

async function readBody(request: IncomingMessage, mediaType: string): Promise<Buffer | undefined> {
  const { headers } = request;
  const announced = Number(headers['content-length'] ?? 0);
  if (announced === 0 && headers['transfer-encoding'] === undefined) return undefined;
  if (announced > BODY_MAX_BYTES) throw tooLarge();
  checkMediaType(request, mediaType);
  return collect(request);
}

function checkMediaType({ headers }: IncomingMessage, mediaType: string): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters
    .map((parameter) => parameter.trim())
    .find((parameter) => parameter.startsWith('charset='));
  const encoding = headers['content-encoding'] ?? 'identity';
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (type.trim() === mediaType && isUtf8 && encoding === 'identity') return;
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
    request.on('close', () => {
      // an error costs its stack trace: none is made for a body that has come whole
      if (!request.readableEnded) reject(new GatewayError('badRequest', 'the body ended early'));
    });
    request.on('error', (cause) => reject(new GatewayError('badRequest', 'the body ended early', { cause })));
  });
}

function parse(bytes: Buffer): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(UTF_8.decode(bytes));
  } catch (cause) {
    throw new GatewayError('badRequest', 'the body is not valid JSON', { cause });
  }
  if (withinDepth(value, BODY_MAX_DEPTH)) return value;
  throw new GatewayError('badRequest', `the body is nested deeper than ${BODY_MAX_DEPTH} levels`);
}

function tooLarge(): GatewayError {
  return new GatewayError('tooLarge', `a body may have at most ${BODY_MAX_BYTES} bytes`);
}
