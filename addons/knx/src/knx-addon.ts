/**
 * The KNX devices of one gateway: telegrams become readings, commands become telegrams that the bus has confirmed. What
 * a device cannot be made of keeps none of the others from working.
 */
import {
  type Addon,
  AddonError,
  type AddonHandlers,
  type AddonOptions,
  type Clock,
  type ConfigMessage,
  type DeviceConfig,
  type JsonObject,
  type JsonValue,
} from '@gate/addon-sdk';
import { BusSession } from './bus-session.ts';
import { DeviceBook, type KnxDevice } from './device-book.ts';
import { scanForServers } from './discovery.ts';
import { KnxCommands } from './knx-commands.ts';
import { parseServer } from './knx-parameters.ts';
import type { Link } from './link/link.ts';
import type { TunnelNote } from './link/tunnel-note.ts';
import { TelegramIntake } from './telegram-intake.ts';
import { formatIndividualAddress } from './wire/address.ts';

/** A server that is there answers within this time: until then the add-on shows that it is starting. */
const FIRST_OUTCOME_MS = 3_000;

export interface KnxAddonParts {
  /** Where readings, availability, events and the state go. */
  gate: Pick<Addon, 'report' | 'availability' | 'event' | 'state' | 'log'>;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Where the gateway puts files that were sent for this add-on. */
  uploadsFolder: string;
  /** Where a tunnel is noted for the process that comes after this one. */
  tunnelNote?: TunnelNote;
}

export class KnxAddon {
  readonly #parts: KnxAddonParts;
  readonly #book = new DeviceBook();
  readonly #intake: TelegramIntake;
  readonly #commands: KnxCommands;
  #session: BusSession | undefined;
  #serverSignature = '';
  #importing = false;
  /** Resolves once the first attempt at the server has ended, either way. */
  #tried = Promise.withResolvers<void>();
  #connecting = '';

  constructor(parts: KnxAddonParts) {
    this.#parts = parts;
    const shared = { ...parts, book: this.#book, session: () => this.#active };
    this.#intake = new TelegramIntake(shared);
    this.#commands = new KnxCommands({ ...shared, intake: this.#intake });
  }

  readonly handlers: AddonHandlers = {
    configure: (config) => this.#configure(config),
    pair: (request) => this.#commands.pair(request),
    cancelPairing: () => null,
    set: (request) => this.#commands.set(request),
    get: (request) => this.#commands.get(request),
    remove: ({ deviceId }) => this.#forget(deviceId),
    scan: ({ signal }) => scanForServers(signal),
    stop: () => this.#stop(),
  };

  readonly actions: NonNullable<AddonOptions['actions']> = {
    busMonitor: ({ params }) => this.#intake.monitor(params),
    watchBus: ({ params }) => this.#intake.watch.ask(params),
    importProject: ({ params, signal }) => this.#import(params, signal),
  };

  async #configure({ parameters, devices }: ConfigMessage): Promise<void> {
    await this.#useServer(parameters);
    const paired = devices.filter(({ address }) => address !== null);
    const wanted = new Set(paired.map(({ id }) => id));
    for (const deviceId of this.#book.ids) if (!wanted.has(deviceId)) this.#forget(deviceId);
    const changed = paired.map((device) => this.#apply(device)).filter((device) => device !== undefined);
    if (!this.#bus.trouble) this.#active.refresh.want(this.#book.readable(changed));
    await this.#firstOutcome();
  }

  /** An add-on that starts as it should is degraded at no time; one whose server is silent says so soon. */
  async #firstOutcome(): Promise<void> {
    const { gate, clock } = this.#parts;
    const { promise, resolve } = this.#tried;
    const cancel = clock.after(FIRST_OUTCOME_MS, () => {
      gate.state('degraded', this.#connecting);
      resolve();
    });
    await promise;
    cancel();
  }

  async #useServer(parameters: JsonObject): Promise<void> {
    const signature = JSON.stringify(parameters);
    if (this.#session && signature === this.#serverSignature) return;
    const { gate, clock, random } = this.#parts;
    const server = parseServer(parameters);
    await this.#session?.stop();
    this.#serverSignature = signature;
    this.#connecting = `connecting to the KNXnet/IP server ${server.server.host}:${server.server.port}`;
    // what ran until now does not any more; at a start nothing is amiss yet
    if (this.#session) gate.state('degraded', this.#connecting);
    this.#tried.resolve();
    this.#tried = Promise.withResolvers<void>();
    const { resolve: tried } = this.#tried;
    this.#session = new BusSession({
      parameters: server,
      tunnelNote: this.#parts.tunnelNote,
      clock,
      random,
      onTelegram: (telegram) => this.#intake.receive(telegram),
      onUp: (link) => {
        this.#linkUp(link);
        tried();
      },
      onDown: (reason) => {
        this.#linkDown(reason);
        tried();
      },
    });
    this.#session.start();
  }

  #apply(device: DeviceConfig): KnxDevice | undefined {
    const { gate } = this.#parts;
    try {
      const changed = this.#book.put(device);
      if (changed) this.#sayAvailability(device.id);
      return changed;
    } catch (error) {
      gate.log.error(`device ${device.id} cannot be used`, error);
      gate.availability(device.id, false, (error as Error).message);
      return undefined;
    }
  }

  #linkUp({ place, individualAddress }: Link): void {
    const { gate } = this.#parts;
    const as = individualAddress === undefined ? '' : ` as ${formatIndividualAddress(individualAddress)}`;
    gate.log.info(`connected to the KNX bus: ${place}${as}`);
    gate.state('running');
    gate.event({ type: 'linkUp', place });
    for (const deviceId of this.#book.ids) this.#sayAvailability(deviceId);
    this.#active.refresh.want(this.#book.readable());
  }

  #linkDown(reason: AddonError): void {
    const { gate } = this.#parts;
    const words = reason.hint === undefined ? reason.message : `${reason.message} (${reason.hint})`;
    gate.log.error(`no link to the KNX bus: ${words}`);
    gate.state('degraded', words);
    gate.event({ type: 'linkDown', reason: reason.message });
    for (const deviceId of this.#book.ids) this.#sayAvailability(deviceId);
  }

  /** A device of the bus says nothing of itself: it counts as there while the bus is. */
  #sayAvailability(deviceId: string): void {
    const trouble = this.#bus.trouble;
    this.#parts.gate.availability(deviceId, trouble === undefined, trouble?.message);
  }

  async #stop(): Promise<void> {
    this.#intake.watch.stop();
    this.#tried.resolve();
    await this.#session?.stop();
  }

  /** One at a time: a large project takes memory. */
  async #import(params: JsonObject, signal: AbortSignal): Promise<JsonValue> {
    if (this.#importing) {
      throw new AddonError('busy', 'another file of ETS is being read just now', {
        hint: 'try again when it is done',
      });
    }
    this.#importing = true;
    try {
      // seldom used: loaded when it is
      const { previewOf } = await import('./ets/project-import.ts');
      return await previewOf(params, { uploadsFolder: this.#parts.uploadsFolder, signal });
    } finally {
      this.#importing = false;
    }
  }

  #forget(deviceId: string): null {
    this.#book.delete(deviceId);
    return null;
  }

  get #active(): BusSession {
    if (this.#session) return this.#session;
    throw new AddonError('noLink', 'the KNX add-on has no server yet', {
      hint: 'install the protocol with "ip_address" and "port" of the KNXnet/IP server',
    });
  }

  get #bus(): BusSession['bus'] {
    return this.#active.bus;
  }
}
