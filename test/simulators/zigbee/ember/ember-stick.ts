/** A simulated EmberZNet stick on a TCP port, and what can happen to it. It takes one host at a time, on 127.0.0.1 only. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { AshProcessor } from './ash.ts';
import { EmberProcessor } from './ember-processor.ts';

export class EmberStick {
  readonly processor: EmberProcessor;
  readonly #server = createServer((socket) => this.#connected(socket));
  readonly #ash = new AshProcessor({
    send: (bytes) => this.#muted || this.#socket?.write(bytes),
    onReset: () => this.processor.reset(),
    onData: (data) => this.processor.receive(data),
  });
  #port: number;
  #socket: Socket | undefined;
  #muted = false;

  private constructor({ port = 0, ieee = '0x0c4314fffe001122' }: { port?: number; ieee?: string }) {
    this.#port = port;
    this.processor = new EmberProcessor(ieee, (frame) => this.#ash.sendData(frame));
  }

  static async start(options: { port?: number; ieee?: string } = {}): Promise<EmberStick> {
    const stick = new EmberStick(options);
    await stick.plug();
    return stick;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `tcp://127.0.0.1:${this.#port}`;
  }

  async plug(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async unplug(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.processor.reset();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** It hangs: it takes what comes and answers nothing. */
  mute(): void {
    this.#muted = true;
  }

  unmute(): void {
    this.#muted = false;
  }

  #connected(socket: Socket): void {
    this.#socket?.destroy();
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => this.#muted || this.#ash.push(bytes));
  }
}
