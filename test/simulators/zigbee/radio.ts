/** The simulated Z-Stack stick: TI's MT interface in UNPI frames, over what every simulated stick has. */

import type { NetworkIdentity } from './air/network-identity.ts';
import { ByteReader } from './bytes.ts';
import { afCommand, type DataFaults } from './mt/af-commands.ts';
import { NetworkStore } from './mt/network-store.ts';
import { AF, APP_CNF, CONFIGURED, NvItem, SAPI, Status, SYS, UTIL, ZDO } from './mt/numbers.ts';
import { NvMemory } from './mt/nv-memory.ts';
import type { Reply } from './mt/reply.ts';
import { type Firmware, systemCommand } from './mt/system-commands.ts';
import { AREQ, encodeUnpi, SREQ, SRSP, type UnpiFrame, UnpiParser } from './mt/unpi.ts';
import { configurationCommand, utilCommand } from './mt/util-commands.ts';
import { ZStackCoordinator } from './mt/z-stack-coordinator.ts';
import { sapiCommand, zdoCommand } from './mt/zdo-commands.ts';
import { SimulatedStick, type StickOptions } from './stick.ts';

export const FIRMWARE = {
  /** Z-Stack 3.x.0, the current one of CC2652 sticks. */
  current: { product: 1, major: 2, minor: 7, maintenance: 1, revision: 20240710 },
  /** Z-Stack 3.x.0 of the year 2020, before most corrections. */
  old: { product: 1, major: 2, minor: 7, maintenance: 1, revision: 20200417 },
  /** Z-Stack Home 1.2 of CC2530 sticks. */
  home12: { product: 0, major: 2, minor: 6, maintenance: 3, revision: 20190608 },
} as const satisfies Record<string, Firmware>;

export interface RadioOptions extends StickOptions {
  firmware?: keyof typeof FIRMWARE;
  /** The NV memory outlives the process in this file. */
  nvFile?: string;
  /** How many devices the tables of a new stick take. Backups read them all, entry by entry. */
  capacity?: number;
  /** A network that the stick already has, as one that ran before: a host with the same settings resumes it. */
  network?: NetworkIdentity;
}

const CAPACITY = 50;
const IEEE = '0x00124b0024c0ffee';

export class SimulatedRadio extends SimulatedStick {
  readonly adapter = 'zstack';
  readonly coordinator: ZStackCoordinator;
  readonly faults: DataFaults = { refuse: undefined, confirm: undefined };
  /** Of the host, answered or not. */
  framesReceived = 0;
  /** As `subsystem/command`. */
  readonly unknownCommands: string[] = [];
  readonly #nv: NvMemory;
  #parser = new UnpiParser();

  private constructor(options: RadioOptions) {
    super(options);
    this.#nv = new NvMemory(options.nvFile);
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
      this.send(encodeUnpi(AREQ, subsystem, command, data));
    };
    this.coordinator = new ZStackCoordinator({ store, air: this.air, firmware, notify });
  }

  static async start(options: RadioOptions = {}): Promise<SimulatedRadio> {
    const radio = new SimulatedRadio(options);
    await radio.listen();
    return radio;
  }

  override async unplug(): Promise<void> {
    this.#nv.save();
    await super.unplug();
  }

  protected override greet(): void {
    this.#parser = new UnpiParser();
  }

  protected override receive(bytes: Buffer): void {
    for (const frame of this.#parser.push(bytes)) this.#take(frame);
  }

  #take(frame: UnpiFrame): void {
    this.framesReceived += 1;
    if (!this.isAwake) return;
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
      this.send(encodeUnpi(SRSP, 0, 0, said));
      return;
    }
    this.send(encodeUnpi(SRSP, subsystem, command, reply.response));
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
}

function plain(response: Buffer | undefined): Reply | undefined {
  return response && { response };
}
