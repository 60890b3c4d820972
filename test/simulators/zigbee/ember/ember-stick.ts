/** The simulated EmberZNet stick: EZSP in ASH frames, over what every simulated stick has. */
import { SimulatedStick, type StickOptions } from '../stick.ts';
import { AshProcessor } from './ash.ts';
import { EmberCoordinator } from './ember-coordinator.ts';
import { EmberMemory, type EmberNetwork } from './ember-memory.ts';
import { EmberNotices } from './ember-notices.ts';
import { EmberProcessor } from './ember-processor.ts';

const IEEE = '0x0c4314fffe001122';

export interface EmberOptions extends StickOptions {
  /** A network that the stick already has, as one that ran before. */
  network?: EmberNetwork;
}

export class EmberStick extends SimulatedStick {
  readonly adapter = 'ember';
  readonly memory: EmberMemory;
  readonly coordinator: EmberCoordinator;
  readonly #processor: EmberProcessor;
  readonly #ash: AshProcessor;

  private constructor(options: EmberOptions) {
    super(options);
    this.memory = new EmberMemory(options.ieee ?? IEEE);
    this.memory.network = options.network;
    const notices = new EmberNotices(this.memory.ieee, (id, parameters) =>
      this.#processor.tell(id, parameters),
    );
    this.coordinator = new EmberCoordinator({ air: this.air, memory: this.memory, notices });
    this.#processor = new EmberProcessor(this.coordinator, (frame) => this.#ash.sendData(frame));
    this.#ash = new AshProcessor({
      send: (bytes) => this.send(bytes),
      onReset: () => this.#processor.reset(),
      onData: (data) => this.#processor.receive(data),
    });
  }

  static async start(options: EmberOptions = {}): Promise<EmberStick> {
    const stick = new EmberStick(options);
    await stick.listen();
    return stick;
  }

  /** Numbers of frames, hexadecimal. */
  get unknownCommands(): readonly string[] {
    return this.#processor.unknownCommands;
  }

  protected override greet(): void {
    this.#ash.forget();
  }

  protected override receive(bytes: Buffer): void {
    if (this.isAwake) this.#ash.push(bytes);
  }
}
