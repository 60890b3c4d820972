/** The Zigbee devices of one gateway: what the gateway asks, and what the network tells. */
import { setTimeout as pause } from 'node:timers/promises';
import type {
  AddonHandlers,
  Clock,
  ConfigMessage,
  DeviceRequest,
  JsonObject,
  JsonValue,
  RequestHandler,
} from '@gate/addon-sdk';
import type { Controller } from 'zigbee-herdsman';
import { withinTime } from './devices/command-time.ts';
import type { CommandWish } from './devices/device-control.ts';
import { removeFromNetwork } from './devices/remove-device.ts';
import { flushDatabase } from './network/device-database.ts';
import type { RadioTrouble } from './network/radio-trouble.ts';
import { joinedCandidates } from './pairing/candidates.ts';
import { scanForSticks } from './stick/stick-scan.ts';
import { bridgeSet } from './verbs/bridge.ts';
import { parseParameters } from './zigbee-parameters.ts';
import { buildParts, type ZigbeeParts, type ZigbeeSurroundings } from './zigbee-parts.ts';

/** Making a network takes some 4 s. */
const STARTING_MS = 10_000;

export class ZigbeeAddon {
  readonly #gate: ZigbeeSurroundings['gate'];
  readonly #clock: Clock;
  readonly #parts: ZigbeeParts;
  #interviewMs = 0;

  constructor(surroundings: ZigbeeSurroundings) {
    const { gate, clock } = surroundings;
    this.#gate = gate;
    this.#clock = clock;
    this.#parts = buildParts(surroundings, {
      onUp: (controller) => this.#up(controller),
      onDown: (trouble) => this.#down(trouble),
      onTrouble: (trouble) => (trouble ? gate.state('degraded', trouble.reason) : gate.state('running')),
      interviewMs: () => this.#interviewMs,
    });
  }

  readonly handlers: AddonHandlers = {
    configure: (config) => this.#configure(config),
    pair: (request) => this.#pair(request),
    cancelPairing: ({ deviceId }) => {
      this.#parts.desk.cancel(deviceId);
      return null;
    },
    set: (request) => this.#set(request),
    get: (request) => this.#get(request),
    remove: ({ deviceId }) => this.#remove(deviceId),
    scan: () => this.#scan(),
    backup: () => this.#parts.backup.make(),
    stop: async () => {
      const { availability, states, radio, memory } = this.#parts;
      memory.stop();
      availability.stop();
      states.save();
      await radio.stop();
    },
  };

  /** The manifest's actions. */
  get actions(): Record<string, RequestHandler> {
    return Object.fromEntries(
      Object.entries(this.#parts.verbs).map(([name, verb]) => [
        name,
        ({ params }: { params: JsonObject }) => this.#onDisk(verb(params)),
      ]),
    );
  }

  /** Before anything else: what the last run has left. */
  load(): void {
    this.#parts.states.load();
    this.#parts.availability.start();
  }

  async #configure({ parameters, devices }: ConfigMessage): Promise<void> {
    const { radio: settings, availability: patience, interviewMs } = parseParameters(parameters);
    const { availability, bound, radio } = this.#parts;
    this.#interviewMs = interviewMs;
    availability.configure(patience);
    bound.apply(devices);
    if (!settings) {
      this.#gate.state(
        'degraded',
        'noPort: no coordinator is named; scan the protocol for one, and install it with "port"',
      );
    }
    await radio.use(settings);
    if (!settings) return;
    // until then the add-on shows that it is starting; a coordinator that takes longer must not hold the devices up
    const late = pause(STARTING_MS, 'late' as const, { ref: false });
    if ((await Promise.race([radio.judged, late])) === 'late') {
      this.#gate.state('degraded', 'starting: the coordinator takes long to start; this goes on by itself');
    }
  }

  async #up(controller: Controller): Promise<void> {
    const { receiver, availability, desk, comings, backup, memory } = this.#parts;
    controller.on('message', (message) => receiver.receive(message));
    controller.on('lastSeenChanged', ({ device }) => availability.heard(device.ieeeAddr));
    desk.attach(controller);
    comings.attach(controller);
    backup.attach(controller);
    memory.loaded();
    this.#gate.event({ type: 'linkUp' });
  }

  #down(trouble: RadioTrouble): void {
    const { desk, comings, backup } = this.#parts;
    desk.coordinatorLost(trouble.message);
    comings.detach();
    backup.detach();
    this.#gate.event({ type: 'linkDown', reason: trouble.reason });
  }

  async #pair(request: DeviceRequest): Promise<JsonValue> {
    const { bound, desk, availability, comings, backup } = this.#parts;
    const { deviceId } = request;
    if (bound.isBridge(deviceId)) return { bridge: true };
    const address = await desk.pair(request);
    bound.bind(deviceId, address.ieeeAddress);
    availability.heard(address.ieeeAddress);
    void comings.paired(this.#parts.devices.of(deviceId));
    flushDatabase(this.#parts.radio.controller);
    backup.changed();
    return address;
  }

  async #set(request: DeviceRequest): Promise<JsonValue> {
    const { bound, control, devices, verbs } = this.#parts;
    const { deviceId, params } = request;
    if (bound.isBridge(deviceId)) return this.#onDisk(bridgeSet(verbs, params));
    const device = devices.of(deviceId);
    return this.#inTime(request, (wish) => control.set(device, params, wish));
  }

  async #get(request: DeviceRequest): Promise<JsonValue> {
    const { bound, control, devices, verbs } = this.#parts;
    const { deviceId, params } = request;
    if (bound.isBridge(deviceId)) return bridgeSet(verbs, { describeNetwork: {} });
    const device = devices.of(deviceId);
    return this.#inTime(request, (wish) => control.get(device, params, wish));
  }

  #inTime<T>(request: DeviceRequest, work: (wish: CommandWish) => Promise<T>): Promise<T> {
    const { deviceId, deadline } = request;
    const options = this.#parts.bound.optionsOf(deviceId);
    return withinTime({ deadline, clock: this.#clock }, `device "${deviceId}"`, (time) =>
      work({ options, time }),
    );
  }

  /** What an action has changed is kept before it is acknowledged. */
  async #onDisk(work: Promise<JsonValue>): Promise<JsonValue> {
    const result = await work;
    const { radio } = this.#parts;
    if (radio.isUp) flushDatabase(radio.controller);
    return result;
  }

  async #remove(deviceId: string): Promise<JsonValue> {
    const { bound: known, desk, radio, states, availability, definitions, comings, backup } = this.#parts;
    const bound = known.of(deviceId);
    desk.cancel(deviceId);
    if (!bound) return null;
    const { ieeeAddress } = bound;
    const forced = radio.isUp
      ? await removeFromNetwork(radio.controller, ieeeAddress)
      : 'the coordinator was not ready, so it was not told: a scan shows it as long as it is in the network, and the action "sendAway" makes it leave';
    if (radio.isUp) flushDatabase(radio.controller);
    known.release(deviceId);
    comings.forget(ieeeAddress);
    states.forget(ieeeAddress);
    availability.forget(ieeeAddress);
    definitions.forget(ieeeAddress);
    backup.changed();
    if (forced === undefined) return { left: true };
    this.#gate.log.error(`device ${deviceId} (${ieeeAddress}) was forced out: ${forced}`);
    return { left: false, reason: forced };
  }

  async #scan(): Promise<JsonValue> {
    const { radio, definitions, devices } = this.#parts;
    const sticks = await scanForSticks();
    if (!radio.isUp) return sticks;
    const ownerOf = (ieeeAddress: string) => devices.ownerOf(ieeeAddress);
    return [...sticks, ...(await joinedCandidates(radio.controller, definitions, ownerOf))];
  }
}
