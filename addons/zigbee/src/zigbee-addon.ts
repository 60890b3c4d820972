/** The Zigbee devices of one gateway: what the gateway asks, and what the network tells, put together. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Addon,
  AddonError,
  type AddonHandlers,
  type Clock,
  type ConfigMessage,
  type DeviceRequest,
  type JsonObject,
  type JsonValue,
  type RequestHandler,
} from '@gate/addon-sdk';
import type { Controller, Models } from 'zigbee-herdsman';
import { Availability, type WatchedDevice } from './devices/availability.ts';
import { BoundDevices } from './devices/bound-devices.ts';
import { Definitions, nameOf } from './devices/definitions.ts';
import { DeviceControl } from './devices/device-control.ts';
import { LastStates } from './devices/last-states.ts';
import { isSleepy, Receiver } from './devices/receiver.ts';
import { removeFromNetwork } from './devices/remove-device.ts';
import { NetworkBackup } from './network/network-backup.ts';
import { Radio } from './network/radio.ts';
import type { RadioTrouble } from './network/radio-trouble.ts';
import { PairingDesk } from './pairing/pairing-desk.ts';
import { prepareDevice, tellDefinition } from './pairing/prepare-device.ts';
import { scanForSticks } from './stick/stick-scan.ts';
import { typeIdOf } from './type-id.ts';
import { firmwareVerbs } from './verbs/firmware-verbs.ts';
import { groupVerbs } from './verbs/group-verbs.ts';
import { linkVerbs } from './verbs/link-verbs.ts';
import { networkVerbs } from './verbs/network-verbs.ts';
import { badVerb, type Verbs } from './verbs/verb.ts';
import { parseParameters } from './zigbee-parameters.ts';

/** Making a network takes some 4 s. */
const STARTING_MS = 10_000;

export interface ZigbeeAddonParts {
  gate: Pick<Addon, 'report' | 'availability' | 'event' | 'state' | 'log'>;
  /** The add-on's own folder. */
  folder: string;
  clock: Clock;
  random: () => number;
}

export class ZigbeeAddon {
  readonly #parts: ZigbeeAddonParts;
  readonly #bound = new BoundDevices();
  readonly #definitions: Definitions;
  readonly #states: LastStates;
  readonly #receiver: Receiver;
  readonly #radio: Radio;
  readonly #desk: PairingDesk;
  readonly #control: DeviceControl;
  readonly #availability: Availability;
  readonly #backup: NetworkBackup;
  readonly #verbs: Verbs;
  #interviewMs = 0;

  constructor(parts: ZigbeeAddonParts) {
    this.#parts = parts;
    const { gate, folder, clock, random } = parts;
    const { log } = gate;
    const bound = this.#bound;
    this.#definitions = new Definitions(log);
    this.#states = new LastStates({ folder, log, clock });
    this.#receiver = new Receiver({
      definitions: this.#definitions,
      states: this.#states,
      log,
      clock,
      optionsOf: (ieee) => bound.at(ieee)?.options,
      report: (ieee, payload) => this.#report(ieee, payload),
    });
    this.#radio = new Radio({
      folder,
      log,
      clock,
      random,
      onUp: (controller) => this.#up(controller),
      onDown: (trouble) => this.#down(trouble),
      onTrouble: (trouble) => (trouble ? gate.state('degraded', trouble.reason) : gate.state('running')),
    });
    this.#desk = new PairingDesk({
      radio: this.#radio,
      definitions: this.#definitions,
      gate,
      log,
      clock,
      ownerOf: (ieee) => bound.at(ieee)?.deviceId,
      interviewMs: () => this.#interviewMs,
      optionsOf: (deviceId) => bound.optionsOf(deviceId),
    });
    this.#control = new DeviceControl({
      definitions: this.#definitions,
      states: this.#states,
      receiver: this.#receiver,
    });
    this.#availability = new Availability({
      clock,
      random,
      log,
      devices: () => this.#watched(),
      say: (ieee, online, reason) => {
        const deviceId = bound.at(ieee)?.deviceId;
        if (deviceId !== undefined) gate.availability(deviceId, online, reason);
      },
    });
    this.#backup = new NetworkBackup({ folder, log, clock });
    const house = {
      controller: () => this.#radio.controller,
      deviceOf: (deviceId: string) => this.#device(deviceId),
      ownerOf: (ieee: string) => bound.at(ieee)?.deviceId,
    };
    this.#verbs = {
      ...networkVerbs({ house, radio: this.#radio, backup: this.#backup, definitions: this.#definitions }),
      ...groupVerbs({
        house,
        definitions: this.#definitions,
        states: this.#states,
        receiver: this.#receiver,
      }),
      ...linkVerbs(house),
      ...firmwareVerbs({ house, definitions: this.#definitions, receiver: this.#receiver, folder, log }),
    };
  }

  readonly handlers: AddonHandlers = {
    configure: (config) => this.#configure(config),
    pair: (request) => this.#pair(request),
    cancelPairing: ({ deviceId }) => {
      this.#desk.cancel(deviceId);
      return null;
    },
    set: (request) => this.#set(request),
    get: (request) => this.#get(request),
    remove: ({ deviceId }) => this.#remove(deviceId),
    scan: () => this.#scan(),
    backup: () => this.#backup.make(),
    stop: async () => {
      this.#availability.stop();
      this.#states.save();
      await this.#radio.stop();
    },
  };

  /** The manifest's actions. */
  get actions(): Record<string, RequestHandler> {
    return Object.fromEntries(
      Object.entries(this.#verbs).map(([name, verb]) => [
        name,
        ({ params }: { params: JsonObject }) => verb(params),
      ]),
    );
  }

  /** Before anything else: what the last run has left. */
  load(): void {
    this.#states.load();
    this.#availability.start();
  }

  async #configure({ parameters, devices }: ConfigMessage): Promise<void> {
    const { radio, availability, interviewMs } = parseParameters(parameters);
    this.#interviewMs = interviewMs;
    this.#availability.configure(availability);
    this.#bound.apply(devices);
    if (!radio) {
      this.#parts.gate.state(
        'degraded',
        'noPort: no coordinator is named; scan the protocol for one, and install it with "port"',
      );
    }
    await this.#radio.use(radio);
    if (!radio) return;
    // until then the add-on shows that it is starting; a coordinator that takes longer must not hold the devices up
    const late = pause(STARTING_MS, 'late' as const, { ref: false });
    if ((await Promise.race([this.#radio.judged, late])) === 'late') {
      this.#parts.gate.state(
        'degraded',
        'starting: the coordinator takes long to start; this goes on by itself',
      );
    }
  }

  async #up(controller: Controller): Promise<void> {
    controller.on('message', (message) => this.#receiver.receive(message));
    controller.on('lastSeenChanged', ({ device }) => this.#availability.heard(device.ieeeAddr));
    controller.on('deviceLeave', ({ ieeeAddr }) => this.#left(ieeeAddr));
    controller.on('deviceInterview', ({ device, status }) => {
      if (status === 'successful') void this.#rejoined(device, controller);
    });
    this.#desk.attach(controller);
    this.#backup.attach(controller);
    this.#parts.gate.event({ type: 'linkUp' });
    void this.#greet(controller);
  }

  #down(trouble: RadioTrouble): void {
    this.#desk.coordinatorLost(trouble.message);
    this.#backup.detach();
    this.#parts.gate.event({ type: 'linkDown', reason: trouble.reason });
  }

  /** Some models want to hear from their gateway when it starts. */
  async #greet(controller: Controller): Promise<void> {
    for (const { ieeeAddress, options } of this.#bound.all()) {
      if (!this.#radio.isUp) return;
      const device = controller.getDeviceByIeeeAddr(ieeeAddress);
      const model = device && (await this.#definitions.of(device).catch(() => undefined));
      if (device && model?.definition.onEvent) {
        await tellDefinition({ device, model, options, log: this.#parts.gate.log }, 'start');
      }
    }
  }

  /** A device of ours was reset and is back: it is set up as it was, without anybody asking. */
  async #rejoined(device: Models.Device, controller: Controller): Promise<void> {
    const bound = this.#bound.at(device.ieeeAddr);
    if (!bound || this.#desk.isPairing(bound.deviceId)) return;
    const { gate } = this.#parts;
    gate.log.info(`device ${bound.deviceId} (${device.ieeeAddr}) has joined again`);
    gate.event({ type: 'rejoined', deviceId: bound.deviceId });
    const model = await this.#definitions.of(device);
    if (!model) return;
    const { options } = bound;
    await prepareDevice({
      device,
      model,
      controller,
      definitions: this.#definitions,
      options,
      log: gate.log,
    }).catch((error: Error) =>
      gate.log.error(`device ${bound.deviceId} could not be set up again: ${error.message}`),
    );
    this.#backup.changed();
  }

  #left(ieeeAddress: string): void {
    this.#definitions.forget(ieeeAddress);
    const deviceId = this.#bound.at(ieeeAddress)?.deviceId;
    if (deviceId === undefined) return;
    this.#parts.gate.availability(deviceId, false, 'it has left the network: reset it and pair it again');
    this.#parts.gate.event({ type: 'left', deviceId });
  }

  async #pair(request: DeviceRequest): Promise<JsonValue> {
    const { deviceId } = request;
    if (this.#bound.isBridge(deviceId)) return { bridge: true };
    const address = await this.#desk.pair(request);
    this.#bound.bind(deviceId, address.ieeeAddress);
    this.#availability.heard(address.ieeeAddress);
    this.#backup.changed();
    return address;
  }

  async #set({ deviceId, params }: DeviceRequest): Promise<JsonValue> {
    if (this.#bound.isBridge(deviceId)) return this.#bridge(params);
    return this.#control.set(this.#device(deviceId), params, this.#bound.optionsOf(deviceId));
  }

  async #get({ deviceId, params }: DeviceRequest): Promise<JsonValue> {
    if (this.#bound.isBridge(deviceId))
      return (this.#verbs['describeNetwork'] as (params: JsonObject) => Promise<JsonValue>)({});
    return this.#control.get(this.#device(deviceId), params, this.#bound.optionsOf(deviceId));
  }

  /** `{<action>: {its parameters}}`: one at a time. */
  async #bridge(params: JsonObject): Promise<JsonValue> {
    const entries = Object.entries(params);
    const [[name, value] = ['', null]] = entries;
    const verb = this.#verbs[name];
    const names = Object.keys(this.#verbs).join(', ');
    if (entries.length !== 1 || !verb)
      throw badVerb('name one action and its parameters', `{"createGroup": {}}; there are ${names}`);
    if (value !== null && (typeof value !== 'object' || Array.isArray(value)))
      throw badVerb(`the parameters of "${name}" must be an object`);
    return verb(value ?? {});
  }

  async #remove(deviceId: string): Promise<JsonValue> {
    const bound = this.#bound.of(deviceId);
    this.#desk.cancel(deviceId);
    if (!bound) return null;
    const { gate } = this.#parts;
    const forced = this.#radio.isUp
      ? await removeFromNetwork(this.#radio.controller, bound.ieeeAddress)
      : 'the coordinator was not ready';
    this.#bound.release(deviceId);
    this.#states.forget(bound.ieeeAddress);
    this.#availability.forget(bound.ieeeAddress);
    this.#definitions.forget(bound.ieeeAddress);
    this.#backup.changed();
    if (forced === undefined) return { left: true };
    gate.log.error(
      `device ${deviceId} (${bound.ieeeAddress}) was forced out: ${forced}; reset it before it is paired elsewhere`,
    );
    gate.event({ type: 'forcedOut', deviceId, reason: forced });
    return { left: false, forced };
  }

  async #scan(): Promise<JsonValue> {
    const sticks = await scanForSticks();
    if (!this.#radio.isUp) return sticks;
    const devices: JsonObject[] = [];
    for (const device of this.#desk.unclaimed(this.#radio.controller)) {
      const model = await this.#definitions.of(device).catch(() => undefined);
      const { ieeeAddr: ieeeAddress } = device;
      const type = model?.isSupported
        ? { type: typeIdOf(model.definition.vendor, model.definition.model) }
        : {};
      const label = model ? nameOf(model) : (device.modelID ?? 'a device that does not say what it is');
      devices.push({
        label: `${label}, joined and not yet paired`.slice(0, 200),
        ...type,
        parameters: { ieeeAddress },
      });
    }
    return [...sticks, ...devices];
  }

  *#watched(): Generator<WatchedDevice> {
    if (!this.#radio.isUp) return;
    const { controller } = this.#radio;
    for (const { ieeeAddress } of this.#bound.all()) {
      const device = controller.getDeviceByIeeeAddr(ieeeAddress);
      if (device && device.interviewState === 'SUCCESSFUL') {
        yield { ieeeAddress, isSleepy: isSleepy(device), ping: () => device.ping() };
      }
    }
  }

  #report(ieeeAddress: string, payload: JsonObject): void {
    const deviceId = this.#bound.at(ieeeAddress)?.deviceId;
    if (deviceId === undefined) return;
    try {
      this.#parts.gate.report(deviceId, payload);
    } catch (error) {
      this.#parts.gate.log.info(`a reading of device ${deviceId} was left out: ${(error as Error).message}`);
    }
  }

  /** @throws AddonError notPaired, coordinatorNotReady, unreachable */
  #device(deviceId: string): Models.Device {
    const bound = this.#bound.of(deviceId);
    if (!bound)
      throw new AddonError('notPaired', `device "${deviceId}" is not paired`, { hint: 'pair it first' });
    const device = this.#radio.controller.getDeviceByIeeeAddr(bound.ieeeAddress);
    if (device) return device;
    throw new AddonError(
      'unreachable',
      `device "${deviceId}" (${bound.ieeeAddress}) is not in the network any more`,
      {
        hint: 'reset it and pair it again',
      },
    );
  }
}
