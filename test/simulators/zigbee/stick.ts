/**
 * A simulated stick on a TCP port, and what can happen to it. README.md beside this file shows how it is used. It binds
 * 127.0.0.1 only, and takes one host at a time, as a serial port does: a second connection replaces the first.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Air } from './air/air.ts';
import type { NetworkIdentity } from './air/network-identity.ts';
import type { Coordinator } from './coordinator.ts';
import type { SimulatedDevice } from './device.ts';

const HOST_SLOW_BYTES = 4 * 1024 * 1024;

export interface StickOptions {
  /** 0 or missing: a free one. */
  port?: number;
  /** Of a new stick. */
  ieee?: string;
  /** Air shared with another stick: the devices of the one are in the range of the other. */
  air?: Air;
}

export abstract class SimulatedStick {
  readonly air: Air;
  /** As the host's settings name its language. */
  abstract readonly adapter: 'zstack' | 'ember';
  abstract readonly coordinator: Coordinator;
  /** Commands that the firmware did not know: empty when all went well. */
  abstract readonly unknownCommands: readonly string[];
  readonly #server: Server;
  #port: number;
  #socket: Socket | undefined;
  #outbox: Buffer[] = [];
  #muted = false;

  constructor({ port = 0, air = new Air() }: StickOptions) {
    this.air = air;
    this.#port = port;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  get port(): number {
    return this.#port;
  }

  /** The path that a host is given. */
  get url(): string {
    return `tcp://127.0.0.1:${this.#port}`;
  }

  /** What the stick runs, or has stored. Undefined for a new one. */
  get network(): NetworkIdentity | undefined {
    return this.coordinator.identity ?? this.coordinator.memory.stored;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** Bytes that the host has not taken yet. */
  get waitingBytes(): number {
    return (this.#socket?.writableLength ?? 0) + this.#outbox.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** It has power, and does not hang. */
  protected get isAwake(): boolean {
    return !this.#muted && this.coordinator.powered;
  }

  /** Puts a device into the range. */
  add<Device extends SimulatedDevice>(device: Device): Device {
    device.placed(this.air, this.coordinator);
    this.air.add(device);
    return device;
  }

  /** Puts a device into the range that is in the stick's network already, without a word to the host. */
  addJoined<Device extends SimulatedDevice>(device: Device, address: number): Device {
    this.add(device);
    this.coordinator.adopt(device, address);
    return device;
  }

  /** Takes a device out of the range. */
  remove(device: SimulatedDevice): void {
    this.air.remove(device);
  }

  /** The stick is pulled out: the connection breaks, nothing listens, the radio is silent. */
  async unplug(): Promise<void> {
    this.coordinator.powered = false;
    this.coordinator.identity = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** And back, on the same port; it has forgotten what it does not keep without power. */
  async replug(): Promise<void> {
    this.coordinator.powered = true;
    this.coordinator.reset();
    await this.listen();
  }

  /** The network between host and stick breaks; the stick itself goes on. */
  dropConnection(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** The stick hangs: it takes what comes and answers nothing. */
  mute(): void {
    this.#muted = true;
  }

  unmute(): void {
    this.#muted = false;
  }

  /** Another channel than the devices are on, as after somebody else's software had the stick. */
  strayTo(channel: number): void {
    const { identity, memory } = this.coordinator;
    if (identity) this.coordinator.identity = { ...identity, channel };
    memory.moveTo(channel);
  }

  /** Bytes to the host as they are, for what is no frame. */
  writeRaw(bytes: Buffer): void {
    this.send(bytes);
  }

  /** Resolves when the host has taken what was sent, or is gone. */
  async drained(): Promise<void> {
    while (this.waitingBytes > 0 && this.#socket) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async stop(): Promise<void> {
    await this.unplug();
    this.air.stop();
  }

  /** A host has connected: what the one before began to say is forgotten. */
  protected abstract greet(): void;

  /** Bytes of the host, also of one that is not answered. */
  protected abstract receive(bytes: Buffer): void;

  protected async listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Frames of one turn of the loop go out in one write. */
  protected send(bytes: Buffer): void {
    if (!this.#socket || this.#muted || this.#waitsTooMuch()) return;
    if (this.#outbox.push(bytes) > 1) return;
    setImmediate(() => {
      const chunks = this.#outbox;
      this.#outbox = [];
      if (chunks.length > 0)
        this.#socket?.write(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
  }

  #connected(socket: Socket): void {
    this.#socket?.destroy();
    this.#socket = socket;
    this.#outbox = [];
    socket.setNoDelay(true);
    this.greet();
    socket.on('data', (chunk) => {
      if (this.#socket === socket) this.receive(chunk);
    });
    // a host that goes away in the middle is no fault of the stick
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
  }

  /** A serial port drops what its host does not take; this one does so beyond 4 MiB. */
  #waitsTooMuch(): boolean {
    return (this.#socket?.writableLength ?? 0) > HOST_SLOW_BYTES;
  }
}
