/**
 * One request to a device and its one answer, over node:http.
 *
 * It speaks to the address it is given and to nothing else: no redirect is followed, no proxy asked. An exchange ends
 * within its deadline from the first DNS query to the last byte, and holds at most ANSWER_MAX_BYTES of the answer.
 * https is verified against the authorities that the system trusts.
 */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { AddonError, type Clock, type JsonValue } from '@gate/addon-sdk';
import type { ExchangeAnswer } from './exchange-answer.ts';
import { failureOf, placeOf, timedOut } from './http-failure.ts';
import type { HttpAddress, Method } from './http-parameters.ts';

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
}

export class HttpExchange {
  readonly #clock: Clock;
  readonly #agents = new Map<HttpAddress['protocol'], Agent>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @throws AddonError unreachable, unresolved, timeout, tls, tooLarge, brokenAnswer; an answer of any status is none
   * of them
   */
  async ask(address: HttpAddress, request: ExchangeRequest): Promise<ExchangeAnswer> {
    const deadline = this.#clock.uptime() + request.deadlineMs;
    try {
      return await this.#once(address, request);
    } catch (error) {
      // a device may close an idle connection in the moment it is used again: that says nothing about the device
      if (!(error instanceof StaleConnection)) throw error;
      const deadlineMs = deadline - this.#clock.uptime();
      return await this.#once(address, { ...request, deadlineMs, reuse: false });
    }
  }

  /** Closes the connections that are idle. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #once(address: HttpAddress, { deadlineMs, signal, ...request }: ExchangeRequest): Promise<ExchangeAnswer> {
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
    { method, path, reuse = false }: Omit<ExchangeRequest, 'deadlineMs'>,
    body: Buffer | undefined,
  ): ClientRequest {
    const { request } = protocol === 'https' ? process.getBuiltinModule('node:https') : http;
    const options: RequestOptions = {
      hostname,
      port,
      method,
      path,
      agent: reuse ? this.#agent(protocol) : false,
      headers: {
        accept: 'application/json, */*;q=0.5',
        // a compressed answer could be small on the wire and huge in memory
        'accept-encoding': 'identity',
        ...(body ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
      },
    };
    return request(options);
  }

  #agent(protocol: HttpAddress['protocol']): Agent {
    const module = protocol === 'https' ? process.getBuiltinModule('node:https') : http;
    const agent = this.#agents.get(protocol) ?? new module.Agent({ keepAlive: true, maxFreeSockets: 1 });
    this.#agents.set(protocol, agent);
    return agent;
  }

  async #read(incoming: IncomingMessage, address: HttpAddress): Promise<ExchangeAnswer> {
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
      text: Buffer.concat(chunks).toString(),
      ts: this.#clock.now(),
    };
  }
}

class StaleConnection extends Error {}

function stale(error: unknown, request: ClientRequest): StaleConnection | undefined {
  const reset = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
  return reset && request.reusedSocket ? new StaleConnection() : undefined;
}
