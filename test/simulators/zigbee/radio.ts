/**
 * The simulated Zigbee stick on a TCP port, and what can happen to it. README.md beside this file shows how it is used.
 * It binds 127.0.0.1 only, and takes one host at a time, as a serial port does: a second connection replaces the first.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Air } from './air/air.ts';
import { ByteReader } from './bytes.ts';
import { Coordinator } from './coordinator.ts';
import type { SimulatedDevice } from './device.ts';
import { afCommand, type DataFaults } from './mt/af-commands.ts';
import { NetworkStore } from './mt/network-store.ts';
import { AF, APP_CNF, CONFIGURED, NvItem, SAPI, Status, SYS, UTIL, ZDO } from './mt/numbers.ts';
import type { NetworkIdentity } from './mt/nv-layout.ts';
import { NvMemory } from './mt/nv-memory.ts';
import type { Reply } from './mt/reply.ts';
import { type Firmware, systemCommand } from './mt/system-commands.ts';
import { AREQ, encodeUnpi, SREQ, SRSP, type UnpiFrame, UnpiParser } from './mt/unpi.ts';
import { configurationCommand, utilCommand } from './mt/util-commands.ts';
import { sapiCommand, zdoCommand } from './mt/zdo-commands.ts';

export const FIRMWARE = {
  /** Z-Stack 3.x.0, the current one of CC2652 sticks. */
  current: { product: 1, major: 2, minor: 7, maintenance: 1, revision: 20240710 },
  /** Z-Stack 3.x.0 of the year 2020, before most corrections. */
  old: { product: 1, major: 2, minor: 7, maintenance: 1, revision: 20200417 },
  /** Z-Stack Home 1.2 of CC2530 sticks. */
  home12: { product: 0, major: 2, minor: 6, maintenance: 3, revision: 20190608 },
} as const satisfies Record<string, Firmware>;

export interface RadioOptions {
  /** 0 or missing: a free one. */
  port?: number;
  firmware?: keyof typeof FIRMWARE;
  /** The NV memory outlives the process in this file. */
  nvFile?: string;
  /** Of a new stick. */
  ieee?: string;
  /** How many devices the tables of a new stick take. Backups read them all, entry by entry. */
  capacity?: number;
  /** A network that the stick already has, as one that ran before: a host with the same settings resumes it. */
  network?: NetworkIdentity;
  /** Air shared with another stick: the devices of the one are in the range of the other. */
  air?: Air;
}

const CAPACITY = 50;
const IEEE = '0x00124b0024c0ffee';
const HOST_SLOW_BYTES = 4 * 1024 * 1024;

export class SimulatedRadio {
  readonly air: Air;
  readonly coordinator: Coordinator;
  readonly faults: DataFaults = { refuse: undefined, confirm: undefined };
  /** Of the host, answered or not. */
  framesReceived = 0;
  /** Commands that the firmware did not know, as `subsystem/command`: empty when all went well. */
  readonly unknownCommands: string[] = [];
  readonly #nv: NvMemory;
  readonly #server: Server;
  #port: number;
  #socket: Socket | undefined;
  #outbox: Buffer[] = [];
  #muted = false;

  private constructor(options: RadioOptions) {
    this.air = options.air ?? new Air();
    this.#nv = new NvMemory(options.nvFile);
    this.#port = options.port ?? 0;
    const firmware = FIRMWARE[options.firmware ?? 'current'];
    const packed = firmware.product === 0;
    const { capacity = CAPACITY, ieee = IEEE } = options;
    const store = new NetworkStore(this.#nv, { capacity, ieee, packed });
    if (options.network) {
      store.put(options.network);
      const flag = packed ? NvItem.hasConfigured12 : NvItem.hasConfigured;
      this.#nv.setItem(flag, Buffer.from([CONFIGURED]));
    }
    const notify = (subsystem: number, command: number, data: Buffer) => {
      this.#send(encodeUnpi(AREQ, subsystem, command, data));
    };
    this.coordinator = new Coordinator({ store, air: this.air, firmware, notify });
    this.#server = createServer((socket) => this.#connected(socket));
  }

  static async start(options: RadioOptions = {}): Promise<SimulatedRadio> {
    const radio = new SimulatedRadio(options);
    await radio.#listen();
    return radio;
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
    return this.coordinator.identity ?? this.coordinator.store.stored;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** Bytes that the host has not taken yet. */
  get waitingBytes(): number {
    return (this.#socket?.writableLength ?? 0) + this.#outbox.reduce((sum, chunk) => sum + chunk.length, 0);
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
    this.#nv.save();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** And back, on the same port; it has forgotten what is not in its NV memory. */
  async replug(): Promise<void> {
    this.coordinator.powered = true;
    this.coordinator.reset();
    await this.#listen();
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
    const { identity, store } = this.coordinator;
    if (identity) this.coordinator.identity = { ...identity, channel };
    store.moveTo(channel);
  }

  /** Bytes to the host as they are, for what is no frame. */
  writeRaw(bytes: Buffer): void {
    this.#send(bytes);
  }

  /** Resolves when the host has taken what was sent, or is gone. */
  async drained(): Promise<void> {
    while (this.waitingBytes > 0 && this.#socket) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async stop(): Promise<void> {
    await this.unplug();
    this.air.stop();
  }

  async #listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #connected(socket: Socket): void {
    this.#socket?.destroy();
    this.#socket = socket;
    this.#outbox = [];
    socket.setNoDelay(true);
    const parser = new UnpiParser();
    socket.on('data', (chunk) => {
      for (const frame of parser.push(chunk)) this.#receive(frame);
    });
    // a host that goes away in the middle is no fault of the stick
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
  }

  #receive(frame: UnpiFrame): void {
    this.framesReceived += 1;
    if (this.#muted || !this.coordinator.powered) return;
    const { subsystem, command } = frame;
    if (frame.type === AREQ && subsystem === SYS && command === 0x00) {
      this.coordinator.reset();
      this.#nv.save();
      return;
    }
    if (frame.type !== SREQ) return;
    const reply = this.#answer(frame);
    if (!reply) {
      this.unknownCommands.push(`${subsystem}/0x${command.toString(16)}`);
      // "RPC error": command id not known
      const said = Buffer.from([2, (SREQ << 5) | subsystem, command]);
      this.#send(encodeUnpi(SRSP, 0, 0, said));
      return;
    }
    this.#send(encodeUnpi(SRSP, subsystem, command, reply.response));
    reply.after?.();
    this.#nv.save();
  }

  #answer({ subsystem, command, data }: UnpiFrame): Reply | undefined {
    const { coordinator } = this;
    const reader = new ByteReader(data);
    try {
      switch (subsystem) {
        case SYS:
          return plain(systemCommand(this.#nv, coordinator.firmware, command, reader));
        case AF:
          return afCommand(coordinator, this.faults, command, reader);
        case ZDO:
          return zdoCommand(coordinator, command, reader);
        case UTIL:
          return plain(utilCommand(coordinator, command, reader));
        case SAPI:
          return plain(sapiCommand(coordinator, command, reader));
        case APP_CNF:
          // base device behaviour came with Z-Stack 3
          return coordinator.firmware.product === 0
            ? undefined
            : configurationCommand(coordinator, command, reader);
        default:
          return undefined;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { response: Buffer.from([Status.invalidParameter]) };
    }
  }

  /** Frames of one turn of the loop go out in one write. */
  #send(bytes: Buffer): void {
    if (!this.#socket || this.#muted || this.#waitsTooMuch()) return;
    if (this.#outbox.push(bytes) > 1) return;
    setImmediate(() => {
      const chunks = this.#outbox;
      this.#outbox = [];
      if (chunks.length > 0)
        this.#socket?.write(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
  }

  /** A serial port drops what its host does not take; this one does so beyond 4 MiB. */
  #waitsTooMuch(): boolean {
    return (this.#socket?.writableLength ?? 0) > HOST_SLOW_BYTES;
  }
}

function plain(response: Buffer | undefined): Reply | undefined {
  return response && { response };
}
