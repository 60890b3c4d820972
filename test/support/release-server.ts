/** Where a maker keeps releases: files by name over HTTP, also from the middle of a file on. It can be as bad as a line is. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream';

export class ReleaseServer {
  /** What was asked for: `gate-7.0.0-linux-x64.tar.gz bytes=1000-`. */
  readonly asked: string[] = [];
  /** Archives break off half-way when they are first asked for. */
  breaks = false;
  readonly #folders = new Map<string, string>();
  readonly #server: Server;
  /** Answers of archives that are held half-way. */
  #held: (() => void)[] | undefined;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<ReleaseServer> {
    const server = new ReleaseServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** As `UPDATE_URLS` has it. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/releases/`;
  }

  /** Has an archive from now on, and what lies beside it. */
  offer(archive: string): void {
    this.#folders.set(basename(archive), dirname(archive));
  }

  /** How often an archive was asked for from its begin. */
  begun(archive: string): number {
    return this.asked.filter((line) => line === basename(archive)).length;
  }

  /** Archives stop half-way, until they are let go. */
  hold(): void {
    this.#held ??= [];
  }

  /** Somebody waits for the second half. */
  get holds(): boolean {
    return (this.#held?.length ?? 0) > 0;
  }

  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const goOn of held) goOn();
  }

  async stop(): Promise<void> {
    this.#held = undefined;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const name = /^\/releases\/([\w.-]+)$/.exec(url)?.[1] ?? '';
    const { range } = headers;
    this.asked.push(range === undefined ? name : `${name} ${range}`);
    const folder = this.#folders.get(name.replace(/\.(sha256|sig)$/, ''));
    if (folder === undefined) {
      response.writeHead(404).end();
      return;
    }
    const path = join(folder, name);
    const { size } = statSync(path);
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': size - start });
    const half = Math.floor(size / 2);
    const isArchive = name.endsWith('.tar.gz') && start < half;
    if (isArchive && this.breaks && start === 0) {
      send(path, { end: half - 1 }, response, () => response.destroy());
    } else if (isArchive && this.#held) {
      const held = this.#held;
      send(path, { start, end: half - 1 }, response, () =>
        held.push(() => pipeline(createReadStream(path, { start: half }), response, () => undefined)),
      );
    } else pipeline(createReadStream(path, { start }), response, () => undefined);
  }
}

function send(
  path: string,
  range: { start?: number; end: number },
  response: ServerResponse,
  then: () => void,
): void {
  const part = createReadStream(path, range);
  part.pipe(response, { end: false });
  part.once('end', then);
}
