/**
 * The gateway that a command is about: the one beside it, through `gate.sock`, where whoever can open it has all
 * rights; or another by its address and a token.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, GatewayError } from '../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { NoGatewayError } from './no-gateway.ts';

/** Of an answer where the call names no other. */
const TIMEOUT_MS = 15_000;
const FETCH_EVERY_MS = 200;
/** An answer of the API that is larger is none that a command here asks for. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

export type Target =
  | { socketPath: string }
  | {
      url: URL;
      token: string | undefined;
      /** PEM of the authority, or of the gateway's own certificate, that is trusted beside the system's. */
      ca: string | undefined;
    };

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: JsonValue;
  headers?: Record<string, string>;
  timeoutMs?: number;
}

export interface Answer {
  status: number;
  /** Where what it began is to be found. */
  location: string | undefined;
  body: JsonValue;
}

export class GatewayClient {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  /** For messages. */
  get where(): string {
    return 'url' in this.#target ? this.#target.url.origin : this.#target.socketPath;
  }

  /** It is this machine's: what lies on its disk can be looked at too. */
  get local(): boolean {
    return 'socketPath' in this.#target;
  }

  /** @throws NoGatewayError; GatewayError as the gateway itself says it of a call that it refuses */
  async call(call: Call): Promise<Answer> {
    const answer = await this.#send(call);
    if (answer.status >= 200 && answer.status < 300) return answer;
    const { message, code, hint } = isJsonObject(answer.body) ? answer.body : ({} as JsonObject);
    throw new GatewayError(
      (typeof code === 'string' ? code : 'internal') as ErrorCode,
      typeof message === 'string' ? message : `the gateway answered ${answer.status}`,
      typeof hint === 'string' ? { hint } : {},
    );
  }

  /** As `call`, for whoever wants the body alone. */
  async get<Body = JsonValue>(path: string): Promise<Body> {
    return (await this.call({ method: 'GET', path })).body as Body;
  }

  /** Whatever its status is. @throws NoGatewayError */
  async look(path: string): Promise<Answer> {
    return this.#send({ method: 'GET', path });
  }

  /**
   * What an operation comes to, once it is known.
   * @throws GatewayError as whoever was asked says it; deviceTimeout
   */
  async outcome(location: string, timeoutMs: number): Promise<JsonValue> {
    const until = Date.now() + timeoutMs;
    while (Date.now() < until) {
      const { status, body } = await this.call({ method: 'GET', path: location });
      if (status === 200 && isJsonObject(body)) {
        const { response, error } = body;
        if (!isJsonObject(error)) return response ?? null;
        const { code, message, hint } = error;
        throw new GatewayError(code as ErrorCode, String(message), hint ? { hint: String(hint) } : {});
      }
      await delay(FETCH_EVERY_MS);
    }
    throw new GatewayError('deviceTimeout', `there was no answer within ${timeoutMs / 1_000} s`);
  }

  /**
   * Live events, from the moment that this resolves. `kinds` and `devices` narrow them. Ends with the connection, or when
   * `signal` aborts. @throws NoGatewayError, GatewayError
   */
  async events(narrowed: { kinds: string; devices?: readonly string[] | undefined; signal: AbortSignal }) {
    const [gateway] = await this.get<{ projectId: string }[]>('/device/v1/devices');
    const query = new URLSearchParams({ project: gateway?.projectId ?? '', events: narrowed.kinds });
    if (narrowed.devices) query.set('devices', narrowed.devices.join(','));
    const { eventStream } = await import('./event-stream.ts');
    return eventStream({ ...this.#socketTarget(`/?${query}`), where: this.where, signal: narrowed.signal });
  }

  #socketTarget(path: string) {
    const target = this.#target;
    if ('socketPath' in target) {
      const { socketPath } = target;
      return { url: `ws://gate${path}`, options: { createConnection: () => connect(socketPath) } };
    }
    const url = new URL(path, target.url);
    url.protocol = target.url.protocol === 'https:' ? 'wss:' : 'ws:';
    return { url: url.href, options: { headers: this.#authorization(), ...certificateOf(target.ca) } };
  }

  #authorization(): Record<string, string> {
    const token = 'url' in this.#target ? this.#target.token : undefined;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async #send({ method, path, body, headers, timeoutMs = TIMEOUT_MS }: Call): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      timeout: timeoutMs,
      headers: {
        ...this.#authorization(),
        ...headers,
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    };
    try {
      return await exchange(await this.#request(path, options), { text, timeoutMs });
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw this.#failureOf(cause as NodeJS.ErrnoException);
    }
  }

  async #request(path: string, options: RequestOptions) {
    const target = this.#target;
    if ('socketPath' in target) {
      const { request } = await import('node:http');
      return request({ ...options, socketPath: target.socketPath, path });
    }
    const url = new URL(path, target.url);
    if (url.protocol === 'http:') return (await import('node:http')).request(url, options);
    return (await import('node:https')).request(url, { ...options, ...certificateOf(target.ca) });
  }

  #failureOf(cause: NodeJS.ErrnoException): NoGatewayError {
    const { where } = this;
    if (!this.local) {
      return new NoGatewayError('unavailable', `the gateway at ${where} did not answer: ${reasonOf(cause)}`, {
        hint: isCertificateError(cause)
          ? 'name the certificate to trust with --ca'
          : 'is its address right, and does it serve its API on this network?',
        cause,
      });
    }
    if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') {
      return new NoGatewayError('unavailable', `gate is not running: nobody answers on ${where}`, {
        hint: 'start it, or name its folder with --data-folder or DATA_FOLDER',
        cause,
      });
    }
    if (cause.code === 'EACCES' || cause.code === 'EPERM') {
      return new NoGatewayError('folderUnusable', `${where} may not be opened by this user`, {
        hint: 'run this as the user that runs gate',
        cause,
      });
    }
    return new NoGatewayError('unavailable', `gate on ${where} did not answer: ${cause.message}`, {
      hint: 'look at its log',
      cause,
    });
  }
}

function certificateOf(ca: string | undefined): { ca?: string } {
  return ca === undefined ? {} : { ca };
}

/** Several addresses that were tried have an error each, and together an empty message. */
function reasonOf(cause: NodeJS.ErrnoException): string {
  return cause.message || cause.code || 'no reason is known';
}

function isCertificateError({ code }: NodeJS.ErrnoException): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code ?? '');
}

type Outgoing = ReturnType<typeof import('node:http').request>;

function exchange(
  outgoing: Outgoing,
  { text, timeoutMs }: { text: string | undefined; timeoutMs: number },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_MAX_BYTES) answer.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        try {
          const body = JSON.parse(Buffer.concat(chunks).toString() || 'null') as JsonValue;
          resolve({ status, location: answer.headers.location, body });
        } catch (cause) {
          reject(
            new GatewayError('internal', `the gateway answered ${status} with what is no JSON`, { cause }),
          );
        }
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)));
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}
