/**
 * Commands to a device through its model's converters: what the model does not take is refused before a frame is sent,
 * and the device's acknowledgement is awaited.
 */
import { AddonError, type JsonObject } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import type { Tz } from 'zigbee-herdsman-converters';
import { commandFailure } from './command-failure.ts';
import type { CommandTime } from './command-time.ts';
import { type Definitions, exposesOf, type KnownModel, nameOf } from './definitions.ts';
import type { LastStates } from './last-states.ts';
import { isSleepy, type Receiver } from './receiver.ts';
import { checkValues, featuresByProperty, readable } from './value-check.ts';

export interface DeviceControlParts {
  definitions: Definitions;
  states: LastStates;
  receiver: Receiver;
}

/** What a command comes with. */
export interface CommandWish {
  /** What the device's converters are told, such as calibrations. */
  options: JsonObject;
  time: CommandTime;
}

interface Step {
  key: string;
  value: JsonObject[string];
  target: Models.Endpoint;
  endpointName: string | undefined;
  converter: Tz.Converter;
}

/** Keys that go with another one and are no command by themselves. */
const COMPANIONS = new Set(['transition', 'hold_time', 'rate', 'on_time', 'off_wait_time', 'duration']);
/** Converters that every definition has, but that would let a caller past every check: for the bridge alone. */
const RAW_COMMANDS = new Set(['read', 'write', 'command', 'zcl_command', 'factory_reset']);

export class DeviceControl {
  readonly #parts: DeviceControlParts;

  constructor(parts: DeviceControlParts) {
    this.#parts = parts;
  }

  /** @returns what the device has been left in. @throws AddonError badRequest, deviceRefused, unreachable, timeout, unsupportedModel */
  async set(device: Models.Device, values: JsonObject, wish: CommandWish): Promise<JsonObject> {
    const { options, time } = wish;
    const model = await this.#model(device);
    if (Object.keys(values).length === 0)
      throw new AddonError('badRequest', 'there is nothing to set', { hint: 'send {"state": "ON"}' });
    const features = featuresByProperty(exposesOf(model, device, options));
    const finds = (key: string) =>
      !RAW_COMMANDS.has(key) && this.#converter(model, device, key, 'convertSet') !== undefined;
    checkValues(values, features, (key) => COMPANIONS.has(key) || finds(key));
    const told: JsonObject = {};
    const used = new Map<number, Set<Tz.Converter>>();
    for (const [key, value] of inOrder(values)) {
      const step = this.#step(model, device, { key, value, method: 'convertSet' });
      if (!step) continue;
      const { target, converter } = step;
      const usedHere = used.get(target.ID) ?? new Set();
      used.set(target.ID, usedHere);
      // one that takes several keys has taken them all from the message
      if (usedHere.has(converter)) continue;
      usedHere.add(converter);
      const meta = this.#meta({ device, model, options, message: values, endpointName: step.endpointName });
      try {
        keepNoLonger(device, time);
        const result = await converter.convertSet?.(target, step.key, step.value, meta);
        Object.assign(told, suffixed(result?.state ?? {}, model, step.endpointName));
      } catch (error) {
        throw commandFailure(error, { what: nameOf(model), sleepy: isSleepy(device) });
      }
    }
    this.#parts.receiver.note(device.ieeeAddr, told);
    return told;
  }

  /** Reads what is asked for, or all that can be read of a device that is awake; answers with the last known state. */
  async get(device: Models.Device, wanted: JsonObject, wish: CommandWish): Promise<JsonObject> {
    const { options, time } = wish;
    const { states, receiver } = this.#parts;
    const model = await this.#model(device);
    const features = featuresByProperty(exposesOf(model, device, options));
    const named = Object.keys(wanted);
    const unknown = named.find((key) => !features.has(key));
    if (unknown !== undefined) {
      throw new AddonError('badRequest', `this model has no "${unknown}"`, {
        hint: `it has ${[...features.keys()].join(', ')}`,
      });
    }
    const keys = named.length > 0 ? named : isSleepy(device) ? [] : readable(features);
    const read = new Set<Tz.Converter>();
    let failure: AddonError | undefined;
    let answered = 0;
    for (const key of keys) {
      const step = this.#step(model, device, { key, value: null, method: 'convertGet' });
      if (!step || read.has(step.converter)) continue;
      read.add(step.converter);
      try {
        const meta = this.#meta({ device, model, options, message: wanted, endpointName: step.endpointName });
        keepNoLonger(device, time);
        await step.converter.convertGet?.(step.target, step.key, meta);
        answered += 1;
      } catch (error) {
        failure = commandFailure(error, { what: nameOf(model), sleepy: isSleepy(device) });
        // one that does not answer at all is not asked for everything else as well
        if (failure.code === 'unreachable' || failure.code === 'timeout') throw failure;
      }
    }
    if (failure && (named.length > 0 || answered === 0)) throw failure;
    await receiver.converted(device.ieeeAddr);
    const state = states.of(device.ieeeAddr);
    if (named.length === 0) return state;
    return Object.fromEntries(named.filter((key) => key in state).map((key) => [key, state[key] ?? null]));
  }

  async #model(device: Models.Device): Promise<KnownModel> {
    const model = await this.#parts.definitions.of(device);
    if (model) return model;
    throw new AddonError('unsupportedModel', `nothing is known of the model of ${device.ieeeAddr}`, {
      hint: 'pair it again, awake and near',
    });
  }

  #converter(
    { definition }: KnownModel,
    device: Models.Device,
    key: string,
    method: 'convertSet' | 'convertGet',
  ): { converter: Tz.Converter; key: string; endpointName: string | undefined } | undefined {
    const find = (name: string, endpointName?: string) =>
      definition.toZigbee.find(
        (each) =>
          each[method] !== undefined &&
          (each.key === undefined || each.key.includes(name)) &&
          (each.endpoints === undefined ||
            (endpointName !== undefined && each.endpoints.includes(endpointName))),
      );
    const whole = find(key);
    if (whole) return { converter: whole, key, endpointName: undefined };
    for (const endpointName of Object.keys(definition.endpoint?.(device) ?? {})) {
      if (!key.endsWith(`_${endpointName}`)) continue;
      const bare = key.slice(0, -endpointName.length - 1);
      const converter = find(bare, endpointName);
      if (converter) return { converter, key: bare, endpointName };
    }
    return undefined;
  }

  #step(
    model: KnownModel,
    device: Models.Device,
    { key, value, method }: { key: string; value: JsonObject[string]; method: 'convertSet' | 'convertGet' },
  ): Step | undefined {
    const found = this.#converter(model, device, key, method);
    const endpoints = model.definition.endpoint?.(device) ?? {};
    const endpointId = endpoints[found?.endpointName ?? 'default'];
    const target = endpointId === undefined ? device.endpoints[0] : device.getEndpoint(endpointId);
    return found && target ? { ...found, value, target } : undefined;
  }

  #meta(parts: {
    device: Models.Device;
    model: KnownModel;
    options: JsonObject;
    message: JsonObject;
    endpointName: string | undefined;
  }): Tz.Meta {
    const { device, model, options, message, endpointName } = parts;
    return {
      message: { ...message },
      device,
      mapped: model.definition,
      options: { ...options },
      state: { ...this.#parts.states.of(device.ieeeAddr) },
      endpoint_name: endpointName,
      publish: (payload) => this.#parts.receiver.note(device.ieeeAddr, payload),
      deviceExposesChanged: () => undefined,
    };
  }
}

/**
 * The library keeps a frame for a device that sleeps until it wakes, be it for a day: no longer than somebody waits.
 * @throws the reason when nobody does
 */
function keepNoLonger(device: Models.Device, { throwIfOver, leftMs }: CommandTime): void {
  throwIfOver();
  if (device.pendingRequestTimeout > 0) device.pendingRequestTimeout = Math.max(1, leftMs());
}

/** On first, off last: a lamp that is off takes a brightness, but does not show it. */
function inOrder(values: JsonObject): [string, JsonObject[string]][] {
  const turnsOff = String(values['state']).toLowerCase() === 'off';
  const weight = (key: string) => (/^(state|brightness)/.test(key) ? (turnsOff ? 1 : -1) : 0);
  return Object.entries(values).sort(([one], [other]) => weight(one) - weight(other));
}

/** What a converter says of one endpoint of several bears its name, as readings do. */
function suffixed(state: object, { definition }: KnownModel, endpointName: string | undefined): object {
  if (endpointName === undefined || definition.meta?.multiEndpoint !== true) return state;
  const skip = definition.meta.multiEndpointSkip ?? [];
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => [skip.includes(key) ? key : `${key}_${endpointName}`, value]),
  );
}
