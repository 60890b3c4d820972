/**
 * One request to a device and its one answer, over node:http.
 *
 * It speaks to the address it is given and to nothing else: no redirect is followed, no proxy asked. An exchange ends
 * within its deadline from the first DNS query to the last byte, and holds at most ANSWER_MAX_BYTES of the answer.
 * Each device has connections of its own: none waits for another one's. https is verified as trust.ts has it.
 */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { AddonError, type Clock, type JsonValue } from '@gate/addon-sdk';
import { type ExchangeAnswer, isSuccess } from './exchange-answer.ts';
import { failureOf, placeOf, timedOut } from './http-failure.ts';
import type { HttpAddress, Method } from './http-parameters.ts';
import type { Login } from './login.ts';
import { NameLookup } from './name-lookup.ts';
import { type Trust, trustingAgent } from './trust.ts';

export const ANSWER_MAX_BYTES = 1024 * 1024;

// imported as a module, node:http would also load its WebSocket client: 5 MB that nobody uses here
const http = process.getBuiltinModule('node:http');

export interface ExchangeRequest {
  method: Method;
  /** With its query; checked by http-parameters.ts. */
  path: string;
  body?: JsonValue | undefined;
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  /** Use a connection that is open already: only for what may be asked twice. */
  reuse?: boolean;
  login?: Login | undefined;
  trust?: Trust | undefined;
}
type OneRequest = Omit<ExchangeRequest, 'login' | 'deadlineMs' | 'signal'> & {
  authorization?: string | undefined;
};

export class HttpExchange {
  readonly #clock: Clock;
  readonly #names: NameLookup;
  /** Kept connections, by whom their ends are trusted to be. */
  readonly #agents = new Map<string, Agent>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#names = new NameLookup(clock);
  }

  /**
   * @throws AddonError unreachable, unresolved, timeout, tls, tooLarge, brokenAnswer; an answer of any status is none
   * of them
   */
  async ask(address: HttpAddress, request: ExchangeRequest): Promise<ExchangeAnswer> {
    const { login, ...plain } = request;
    const deadline = this.#clock.uptime() + request.deadlineMs;
    const leftMs = () => Math.max(1, deadline - this.#clock.uptime());
    const path = login?.target(plain.path) ?? plain.path;
    const attempt = async (reuse: boolean) => {
      const authorization = login?.authorization(plain.method, path);
      const answer = await this.#once(address, {
        ...plain,
        path,
        reuse,
        authorization,
        deadlineMs: leftMs(),
      });
      return { answer, authorization };
    };
    const persistent = async () => {
      try {
        return await attempt(plain.reuse ?? false);
      } catch (error) {
        // a device may close an idle connection in the moment it is used again: that says nothing about the device
        if (!(error instanceof StaleConnection)) throw error;
        return attempt(false);
      }
    };
    const first = await persistent();
    // what is refused with 401 was not done: it may be sent again
    const again = first.answer.status === 401 && login?.accept(first.answer.challenges, first.authorization);
    const answer = again ? (await persistent()).answer : first.answer;
    return login && !isSuccess(answer) ? { ...answer, text: login.redacted(answer.text) } : answer;
  }

  /** Closes the connections that are idle. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #once(
    address: HttpAddress,
    { deadlineMs, signal, ...request }: OneRequest & Pick<ExchangeRequest, 'deadlineMs' | 'signal'>,
  ): Promise<ExchangeAnswer> {
    return new Promise((resolve, reject) => {
      const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
      const outgoing = this.#request(address, request, body);
      const settle = (finish: () => void) => {
        cancelTimer();
        signal?.removeEventListener('abort', aborted);
        finish();
      };
      const fail = (error: unknown) => {
        settle(() => reject(stale(error, outgoing) ?? failureOf(error, address)));
        outgoing.destroy();
      };
      const aborted = () => fail(signal?.reason instanceof AddonError ? signal.reason : timedOut(address));
      const cancelTimer = this.#clock.after(deadlineMs, () => fail(timedOut(address)));
      signal?.addEventListener('abort', aborted, { once: true });
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        this.#read(incoming, address).then((answer) => settle(() => resolve(answer)), fail);
      });
      if (signal?.aborted) aborted();
      else outgoing.end(body);
    });
  }

  #request(
    { protocol, hostname, port }: HttpAddress,
    { method, path, reuse = false, trust, authorization }: OneRequest,
    body: Buffer | undefined,
  ): ClientRequest {
    const { request } = protocol === 'https' ? process.getBuiltinModule('node:https') : http;
    const options: RequestOptions = {
      hostname,
      port,
      method,
      path,
      agent: reuse ? this.#kept(protocol, trust) : trust ? trustingAgent(trust, false) : false,
      lookup: this.#names.lookup,
      headers: {
        accept: 'application/json, */*;q=0.5',
        // a compressed answer could be small on the wire and huge in memory
        'accept-encoding': 'identity',
        ...(authorization === undefined ? {} : { authorization }),
        ...(body ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
      },
    };
    return request(options);
  }

  #kept(protocol: HttpAddress['protocol'], trust: Trust | undefined): Agent {
    const key = JSON.stringify([protocol, trust]);
    const known = this.#agents.get(key);
    if (known) return known;
    const agent =
      protocol === 'https'
        ? trustingAgent(trust ?? {}, true)
        : new http.Agent({ keepAlive: true, maxFreeSockets: 1 });
    this.#agents.set(key, agent);
    return agent;
  }

  async #read(incoming: IncomingMessage, address: HttpAddress): Promise<ExchangeAnswer> {
    const ts = this.#clock.now();
    const encoding = incoming.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') {
      throw new AddonError('brokenAnswer', `${placeOf(address)} answers compressed (${encoding}), unasked`, {
        hint: 'turn compression off at the device, or at the proxy before it',
      });
    }
    const tooLarge = () =>
      new AddonError('tooLarge', `${placeOf(address)} answers with more than ${ANSWER_MAX_BYTES / 1024} KB`, {
        hint: 'choose a path with a shorter answer',
      });
    if (Number(incoming.headers['content-length'] ?? 0) > ANSWER_MAX_BYTES) throw tooLarge();
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > ANSWER_MAX_BYTES) throw tooLarge();
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof AddonError) throw error;
      throw new AddonError('brokenAnswer', `${placeOf(address)} broke off in the middle of its answer`, {
        hint: 'is the network steady? a device that is short of memory does this too',
        cause: error,
      });
    }
    return {
      status: incoming.statusCode ?? 0,
      contentType: incoming.headers['content-type'] ?? '',
      location: incoming.headers.location ?? '',
      challenges: incoming.headersDistinct['www-authenticate'] ?? [],
      text: Buffer.concat(chunks).toString(),
      ts,
    };
  }
}

class StaleConnection extends Error {}

function stale(error: unknown, request: ClientRequest): StaleConnection | undefined {
  const reset = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
  return reset && request.reusedSocket ? new StaleConnection() : undefined;
}
