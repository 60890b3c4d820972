/** A piece of network between a client and a UDP server, that a test can make lossy or cut. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export class UdpRelay {
  /** Decides, datagram by datagram, what is lost. */
  loses: (bytes: Buffer, direction: 'toServer' | 'toClient') => boolean = () => false;
  /** What has gone through. */
  readonly passed: { service: number; direction: 'toServer' | 'toClient' }[] = [];
  readonly #serverPort: number;
  readonly #front = createSocket('udp4');
  /** One socket towards the server for each client, as NAT has it. */
  readonly #backs = new Map<number, Socket>();

  constructor(serverPort: number) {
    this.#serverPort = serverPort;
  }

  async start(): Promise<number> {
    this.#front.on('message', (bytes, from) => this.#toServer(bytes, from.port));
    this.#front.bind(0, '127.0.0.1');
    await once(this.#front, 'listening');
    return this.#front.address().port;
  }

  stop(): void {
    for (const socket of [this.#front, ...this.#backs.values()]) socket.close();
  }

  #toServer(bytes: Buffer, clientPort: number): void {
    if (this.#lost(bytes, 'toServer')) return;
    const back = this.#backs.get(clientPort) ?? this.#newBack(clientPort);
    back.send(bytes, this.#serverPort, '127.0.0.1');
  }

  #newBack(clientPort: number): Socket {
    const back = createSocket('udp4');
    back.on('message', (bytes) => {
      if (!this.#lost(bytes, 'toClient')) this.#front.send(bytes, clientPort, '127.0.0.1');
    });
    this.#backs.set(clientPort, back);
    return back;
  }

  #lost(bytes: Buffer, direction: 'toServer' | 'toClient'): boolean {
    const lost = this.loses(bytes, direction);
    if (!lost) this.passed.push({ service: bytes.readUInt16BE(2), direction });
    return lost;
  }
}
