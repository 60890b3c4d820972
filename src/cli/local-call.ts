/** One call to the daemon through `gate.sock`, where whoever can open it has all rights. */
import { request } from 'node:http';
import { type ErrorCode, GatewayError } from '../model/error.ts';
import { isJsonObject, type JsonValue } from '../model/json.ts';

const TIMEOUT_MS = 15_000;
/** An answer of the API that is larger is none that a command here asks for. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

export interface LocalCall {
  socketPath: string;
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: JsonValue;
}

/** There is no daemon that could be asked: none runs, it may not be opened, or it does not answer. */
export class NoGatewayError extends GatewayError {}

/**
 * The JSON of an answer of status 2xx.
 * @throws NoGatewayError; GatewayError as the daemon itself says it of a call that it refuses
 */
export function callLocally({ socketPath, method, path, body }: LocalCall): Promise<JsonValue> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers =
    text === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers, timeout: TIMEOUT_MS }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_MAX_BYTES) answer.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      answer.on('error', (cause) => reject(failureOf(cause, socketPath)));
      answer.on('end', () => {
        try {
          resolve(answered(answer.statusCode ?? 0, Buffer.concat(chunks).toString()));
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
    outgoing.on('error', (cause) => reject(failureOf(cause, socketPath)));
    outgoing.end(text);
  });
}

function answered(status: number, text: string): JsonValue {
  let body: JsonValue;
  try {
    body = JSON.parse(text || 'null') as JsonValue;
  } catch (cause) {
    throw new GatewayError('internal', `the gateway answered ${status} with what is no JSON`, { cause });
  }
  if (status >= 200 && status < 300) return body;
  const { message, code, hint } = isJsonObject(body) ? body : {};
  throw new GatewayError(
    (typeof code === 'string' ? code : 'internal') as ErrorCode,
    typeof message === 'string' ? message : `the gateway answered ${status}`,
    typeof hint === 'string' ? { hint } : {},
  );
}

function failureOf(cause: NodeJS.ErrnoException, socketPath: string): NoGatewayError {
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') {
    return new NoGatewayError('unavailable', `gate is not running: nobody answers on ${socketPath}`, {
      hint: 'start it, or name its folder with --data-folder or DATA_FOLDER',
      cause,
    });
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new NoGatewayError('folderUnusable', `${socketPath} may not be opened by this user`, {
      hint: 'run this as the user that runs gate',
      cause,
    });
  }
  return new NoGatewayError('unavailable', `gate on ${socketPath} did not answer: ${cause.message}`, {
    hint: 'look at its log',
    cause,
  });
}
