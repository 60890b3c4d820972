/** REST over the daemon's Unix socket, as the `curl --unix-socket` of the README does it. */
import { request } from 'node:http';

export interface LocalAnswer<T> {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: T;
}

export class LocalApi {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  call<T>(method: string, path: string, body?: unknown): Promise<LocalAnswer<T>> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath: this.#socketPath, method, path, headers, timeout: 15_000 },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const isJson = /^application\/json|^$/.test(answer.headers['content-type'] ?? '');
            const received = Buffer.concat(chunks).toString();
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              body: (isJson ? JSON.parse(received || 'null') : received) as T,
            });
          });
        },
      );
      outgoing.on('timeout', () =>
        outgoing.destroy(new Error(`${method} ${path} was not answered within 15 s`)),
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  /** The body of an answer that must be of status 2xx. */
  async get<T>(path: string): Promise<T> {
    return this.#expect2xx(await this.call<T>('GET', path), `GET ${path}`);
  }

  async send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
    return this.#expect2xx(await this.call<T>(method, path, body), `${method} ${path}`);
  }

  #expect2xx<T>({ status, body }: LocalAnswer<T>, what: string): T {
    if (status >= 200 && status < 300) return body;
    throw new Error(`${what} was answered ${status}: ${JSON.stringify(body)}`);
  }
}
