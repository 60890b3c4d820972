/** A piece of network in front of a TCP server: counts what comes from it, can be slow, can be cut, and fall silent. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpRelay {
  /** What has come from the server so far. */
  bytes = 0;
  /** Hears of each piece that has come. */
  onBytes: (total: number) => void = () => undefined;
  /** Slower than this it is not, faster neither. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(targetPort: number) {
    this.#target = targetPort;
  }

  /** @returns its port */
  async start(host = '127.0.0.1'): Promise<number> {
    const server = createServer((client) => this.#join(client));
    this.#server = server;
    server.listen(0, host);
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  }

  /** Ends what is connected; who connects again gets through, if the server is there. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What is connected stays so, and hears nothing any more; who connects from now on gets through. */
  silence(): void {
    for (const socket of this.#sockets) socket.unpipe().removeAllListeners('data').resume();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.close();
    this.cut();
    await once(server, 'close');
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.pipe(server);
    server.on('data', (chunk) => {
      this.bytes += chunk.length;
      this.onBytes(this.bytes);
      if (client.destroyed) return;
      client.write(chunk);
      server.pause();
      setTimeout(() => server.resume(), (chunk.length / this.bytesPerSecond) * 1_000);
    });
    server.on('end', () => client.end());
  }
}
