/** A bare broker on a free port of this machine, and what add-ons have said to it. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';

export interface Published {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  dup: boolean;
}

export class TestBroker {
  readonly published: Published[] = [];
  /** Taken at the next log-in. */
  token = 'secret-token';
  /** Called before each PUBACK of a reading; the acknowledgement waits for it. */
  beforeAck: (() => Promise<void>) | undefined;
  #aedes: Aedes | undefined;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  port = 0;

  async start(): Promise<void> {
    const aedes = await Aedes.createBroker({
      authenticate: (_client, _username, password, done) => {
        if (password?.toString() === this.token) return done(null, true);
        done(Object.assign(new Error('bad token'), { returnCode: 4 }), false);
      },
      authorizePublish: (client, packet, done) => {
        if (!client || !packet.topic.endsWith('/data') || !this.beforeAck) return done(null);
        this.beforeAck().then(() => done(null), done);
      },
    });
    aedes.on('publish', ({ topic, payload, qos, retain, dup }, client) => {
      // a will comes without its client
      if (client || topic.startsWith('gate/addons/')) {
        this.published.push({ topic, payload: payload.toString(), qos, retain, dup });
      }
    });
    // what a broken connection leaves behind is what some tests are about
    aedes.on('clientError', () => undefined);
    aedes.on('connectionError', () => undefined);
    const server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#aedes = aedes;
    this.#server = server;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get connected(): number {
    return this.#sockets.size;
  }

  /** Publishes as gate does. */
  async publish(topic: string, message: unknown, retain = false): Promise<void> {
    const payload = typeof message === 'string' ? message : JSON.stringify(message);
    await new Promise<void>((resolve) => {
      this.#aedes?.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, () => resolve());
    });
  }

  /** Messages on `topic` so far, as objects. */
  on(topic: string): Record<string, unknown>[] {
    return this.published.filter((each) => each.topic === topic).map(({ payload }) => JSON.parse(payload));
  }

  /** Every connection breaks, as when the network does. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.#server || !this.#aedes) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#aedes.close(() => resolve());
    await promise;
    this.cut();
    await closed;
    this.#server = undefined;
    this.#aedes = undefined;
  }
}
