/**
 * Stands between a daemon and its container engine, and strikes at one call: before the engine hears of it, or after the
 * engine has done it and before the daemon knows.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';

export interface Strike {
  /** As `calls` has it: the second `GET /containers/json` is `GET /containers/json 2`. */
  call: string;
  when: 'before' | 'after';
  act: () => Promise<void>;
}

export class EngineProxy {
  readonly socketPath: string;
  /** As an engine that takes calls and never answers. */
  hangs = false;
  readonly #engine: string;
  #server: Server | undefined;
  #calls: string[] = [];
  #strike: Strike | undefined;
  #onStruck: (what: string) => void = () => undefined;

  constructor(parts: { socketPath: string; engine: string }) {
    this.socketPath = parts.socketPath;
    this.#engine = parts.engine;
  }

  async start(): Promise<void> {
    this.#server = createServer((incoming, answer) => void this.#pass(incoming, answer));
    this.#server.listen(this.socketPath);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** What was called since the proxy was last told to count, each with its number among those of its kind. */
  get calls(): readonly string[] {
    return this.#calls;
  }

  count(): void {
    this.#calls = [];
  }

  /** Counts from now on. @returns resolves with the call that was struck */
  arm(strike: Strike): Promise<string> {
    this.count();
    this.#strike = strike;
    return new Promise((resolve) => {
      this.#onStruck = resolve;
    });
  }

  /** Strikes no more. @returns whether it had not struck yet, nor begun to */
  disarm(): boolean {
    const armed = this.#strike !== undefined;
    this.#strike = undefined;
    return armed;
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    incoming.on('error', () => undefined);
    answer.on('error', () => undefined);
    if (this.hangs) return;
    const kind = kindOf(incoming);
    const what = `${kind} ${this.#calls.filter((call) => call.startsWith(`${kind} `)).length + 1}`;
    this.#calls.push(what);
    const strike = this.#strike?.call === what ? this.#strike : undefined;
    // taken: from here on it happens
    if (strike) this.#strike = undefined;
    if (strike?.when === 'before') {
      await this.#hit(strike, what);
      answer.destroy();
      return;
    }
    const { method, url, headers } = incoming;
    const outgoing = request({ socketPath: this.#engine, method, path: url, headers, agent: false });
    outgoing.on('error', () => answer.destroy());
    answer.on('close', () => outgoing.destroy());
    outgoing.on('response', (response) => {
      response.on('error', () => answer.destroy());
      // a stream has no end to wait for: it is struck when it begins
      const streams = /\/(logs|events) \d+$/.test(what);
      if (!strike || streams) {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        // a stream has begun although nothing has come of it yet
        answer.flushHeaders();
        response.pipe(answer);
        if (strike) void this.#hit(strike, what);
        return;
      }
      response.resume();
      response.on('end', () => {
        void this.#hit(strike, what).then(() => answer.destroy());
      });
    });
    incoming.pipe(outgoing);
  }

  async #hit(strike: Strike, what: string): Promise<void> {
    await strike.act();
    this.#onStruck(`${strike.when} ${what}`);
  }
}

/** Whose container or image it is about is left out. */
function kindOf({ method, url = '' }: IncomingMessage): string {
  const path = url
    .replace(/\?.*/, '')
    .replace(/^(\/containers\/)[0-9a-f]{64}/, '$1:id')
    .replace(/^(\/(?:volumes|networks)\/)(?!create)[^/]+$/, '$1:name');
  if (method === 'DELETE' && path.startsWith('/images/')) return 'DELETE /images/:name';
  return `${method} ${path.replace(/^(\/images\/)(?!create)[^/]+(?:\/.*)?(\/json)$/, '$1:name$2')}`;
}
