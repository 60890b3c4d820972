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
  type DeviceRequest,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '@gate/addon-sdk';
import { BusRecord, RECORD_MAX, type RecordedTelegram, viewOf } from './bus-record.ts';
import { BusSession } from './bus-session.ts';
import { DeviceBook, type KnxDevice, tryDecode } from './device-book.ts';
import { scanForServers } from './discovery.ts';
import {
  type Datapoint,
  namesHint,
  parseDevice,
  parseServer,
  readingOf,
  UNANSWERED,
  valuesOf,
} from './knx-parameters.ts';
import type { Link } from './link/link.ts';
import { formatGroupAddress, formatIndividualAddress, parseGroupAddress } from './wire/address.ts';
import type { GroupTelegram, RawValue } from './wire/cemi.ts';

/** A command ends so much before its deadline that its reason still arrives in time. */
const ANSWER_MARGIN_MS = 300;
/** How long a pairing waits for a link that is not up. */
const PAIR_LINK_MS = 10_000;

export interface KnxAddonParts {
  /** Where readings, availability, events and the state go. */
  gate: Pick<Addon, 'report' | 'availability' | 'event' | 'state' | 'log'>;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

export class KnxAddon {
  readonly #parts: KnxAddonParts;
  readonly #book = new DeviceBook();
  readonly #record = new BusRecord();
  /** Datapoints that were sent what they cannot read: told once, until it is right again. */
  readonly #misread = new Set<Datapoint>();
  #session: BusSession | undefined;
  #serverSignature = '';

  constructor(parts: KnxAddonParts) {
    this.#parts = parts;
  }

  readonly handlers: AddonHandlers = {
    configure: (config) => this.#configure(config),
    pair: (request) => this.#pair(request),
    cancelPairing: () => null,
    set: (request) => this.#set(request),
    get: (request) => this.#get(request),
    remove: ({ deviceId }) => this.#forget(deviceId),
    scan: ({ signal }) => scanForServers(signal),
    stop: () => this.#session?.stop(),
  };

  readonly actions: NonNullable<AddonOptions['actions']> = {
    busMonitor: ({ params }) => this.#busMonitor(params),
  };

  async #configure({ parameters, devices }: ConfigMessage): Promise<void> {
    await this.#useServer(parameters);
    const paired = devices.filter(({ address }) => address !== null);
    const wanted = new Set(paired.map(({ id }) => id));
    for (const deviceId of this.#book.ids) if (!wanted.has(deviceId)) this.#forget(deviceId);
    const changed = paired.map((device) => this.#apply(device)).filter((device) => device !== undefined);
    if (!this.#bus.trouble) this.#active.refresh.want(this.#book.readable(changed));
  }

  async #useServer(parameters: JsonObject): Promise<void> {
    const signature = JSON.stringify(parameters);
    if (this.#session && signature === this.#serverSignature) return;
    const { gate, clock, random } = this.#parts;
    const server = parseServer(parameters);
    await this.#session?.stop();
    this.#serverSignature = signature;
    gate.state('degraded', `connecting to the KNXnet/IP server ${server.server.host}:${server.server.port}`);
    this.#session = new BusSession({
      parameters: server,
      clock,
      random,
      onTelegram: (telegram) => this.#receive(telegram),
      onUp: (link) => this.#linkUp(link),
      onDown: (reason) => this.#linkDown(reason),
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

  #receive(telegram: GroupTelegram): void {
    this.#note('in', telegram);
    if (telegram.service === 'read') this.#respond(telegram.destination);
    else this.#takeValue(telegram.destination, telegram.value);
  }

  /** A value told on the bus, by a device or by this side's own write. */
  #takeValue(address: number, value: RawValue): void {
    for (const { deviceId, datapoint } of this.#book.statesAt(address)) {
      if (!datapoint.flags.has('listen')) continue;
      try {
        this.#parts.gate.report(deviceId, readingOf(datapoint, datapoint.type.decode(value)));
        this.#book.keep(datapoint, value);
        this.#misread.delete(datapoint);
      } catch (error) {
        if (!this.#misread.has(datapoint)) {
          const where = `device ${deviceId}, "${datapoint.name}" at ${formatGroupAddress(address)}`;
          this.#parts.gate.log.error(where, error);
        }
        this.#misread.add(datapoint);
      }
    }
  }

  /** As the communication flag "read" of ETS: who asks is told the last value. */
  #respond(address: number): void {
    for (const { datapoint } of this.#book.writesAt(address)) {
      const value = datapoint.flags.has('respond') ? this.#book.lastValue(datapoint) : undefined;
      if (value === undefined) continue;
      const telegram = { service: 'response', destination: address, value } as const;
      this.#bus.send(telegram).then(
        () => this.#noteOwn('response', address, value),
        (error) =>
          this.#parts.gate.log.error(`a read of ${formatGroupAddress(address)} was not answered`, error),
      );
      return;
    }
  }

  async #pair({ deviceId, params, deadline, signal }: DeviceRequest): Promise<JsonValue> {
    const datapoints = parseDevice(isJsonObject(params['parameters']) ? params['parameters'] : {});
    const taken = this.#book.taken(datapoints, deviceId);
    if (taken !== undefined) {
      throw new AddonError('addressTaken', `the group address ${taken}`, {
        hint: 'use another group address, or delete the other device first',
      });
    }
    const readable = datapoints.filter(({ flags }) => flags.has('read'));
    const withLink = AbortSignal.any([signal, AbortSignal.timeout(PAIR_LINK_MS)]);
    await this.#bus.ready(withLink);
    this.#parts.gate.event({ type: 'joined', deviceId });
    const inTime = this.#within(deadline, signal);
    const answers = await this.#active.reader.read(
      readable.map(({ stateAddress }) => stateAddress),
      inTime,
    );
    const misread = readable.find((each) => {
      const answer = answers.get(each.stateAddress);
      return answer !== undefined && tryDecode(each, answer) === undefined;
    });
    if (misread) misread.type.decode(answers.get(misread.stateAddress) as RawValue);
    const names = (answered: boolean) =>
      readable.filter(({ stateAddress }) => answers.has(stateAddress) === answered).map(({ name }) => name);
    const found = { answered: names(true), unanswered: names(false) };
    this.#parts.gate.event({ type: 'configured', deviceId, ...found });
    return {
      datapoints: datapoints.map(({ name, groupAddress }) => `${formatGroupAddress(groupAddress)} ${name}`),
      ...found,
    };
  }

  async #set({ deviceId, params, deadline, signal }: DeviceRequest): Promise<JsonValue> {
    const { datapoints } = this.#device(deviceId);
    // everything is checked before anything goes out
    const writes = valuesOf(params, datapoints).map(([datapoint, value]) => {
      if (!datapoint.flags.has('write')) throw notAllowed(datapoint, 'write');
      return { datapoint, raw: encoded(datapoint, value) };
    });
    const inTime = this.#within(deadline, signal);
    const done: JsonObject = {};
    for (const { datapoint, raw } of writes) {
      const destination = datapoint.groupAddress;
      await this.#bus.send({ service: 'write', destination, value: raw }, { signal: inTime });
      this.#noteOwn('write', destination, raw);
      this.#takeValue(destination, raw);
      Object.assign(done, readingOf(datapoint, datapoint.type.decode(raw)));
    }
    return done;
  }

  async #get({ deviceId, params, deadline, signal }: DeviceRequest): Promise<JsonValue> {
    const asked = askedFor(params, this.#device(deviceId).datapoints);
    const addresses = asked.map(({ stateAddress }) => stateAddress);
    const answers = await this.#active.reader.read(addresses, this.#within(deadline, signal));
    const status: JsonObject = {};
    for (const datapoint of asked) {
      const answer = answers.get(datapoint.stateAddress);
      if (answer) Object.assign(status, readingOf(datapoint, datapoint.type.decode(answer)));
    }
    const silent = asked.filter(({ stateAddress }) => !answers.has(stateAddress));
    if (silent.length === asked.length) throw unanswered(silent);
    return silent.length === 0 ? status : { ...status, [UNANSWERED]: silent.map(({ name }) => name) };
  }

  #busMonitor({ limit = 100, group_address: address }: JsonObject): JsonValue {
    const destination = address === undefined ? undefined : parseGroupAddress(address);
    const most = typeof limit === 'number' ? Math.min(Math.max(1, limit), RECORD_MAX) : RECORD_MAX;
    const telegrams = this.#record.last(most, destination);
    return { telegrams: telegrams.map((each) => viewOf(each, this.#meaningOf(each))) };
  }

  #meaningOf({ telegram: { service, destination, value } }: RecordedTelegram): JsonObject[] {
    if (service === 'read') return [];
    const places = new Set([...this.#book.statesAt(destination), ...this.#book.writesAt(destination)]);
    return [...places].map(({ deviceId, datapoint }) => ({
      deviceId,
      name: datapoint.name,
      value: tryDecode(datapoint, value) ?? null,
    }));
  }

  #noteOwn(service: 'write' | 'response', destination: number, value: RawValue): void {
    this.#note('out', { service, source: this.#active.individualAddress, destination, value });
  }

  #note(direction: 'in' | 'out', telegram: GroupTelegram): void {
    this.#record.add({ ts: this.#parts.clock.now(), direction, telegram });
  }

  #forget(deviceId: string): null {
    for (const datapoint of this.#book.get(deviceId)?.datapoints ?? []) this.#misread.delete(datapoint);
    this.#book.delete(deviceId);
    return null;
  }

  /** Ends before the request does, so that the reason is told. */
  #within(deadline: number, signal: AbortSignal): AbortSignal {
    const leftMs = Math.max(1, deadline - this.#parts.clock.now() - ANSWER_MARGIN_MS);
    return AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
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

  #device(deviceId: string): KnxDevice {
    const device = this.#book.get(deviceId);
    if (device) return device;
    throw new AddonError('notPaired', `device "${deviceId}" is not paired`, { hint: 'pair it first' });
  }
}

/** `{datapoints: [names]}`; all that may be read where nothing is named. @throws AddonError badRequest */
function askedFor({ datapoints: names }: JsonObject, datapoints: readonly Datapoint[]): Datapoint[] {
  if (names === undefined) {
    const readable = datapoints.filter(({ flags }) => flags.has('read'));
    if (readable.length > 0) return readable;
    throw new AddonError('badRequest', 'no datapoint of this device may be read', {
      hint: 'give one the flag "read", if a device on the bus answers for it',
    });
  }
  if (!Array.isArray(names) || names.length === 0) {
    throw new AddonError('badRequest', '"datapoints" must be a list of names', {
      hint: namesHint(datapoints),
    });
  }
  return [...new Set(names)].map((name) => {
    const datapoint = datapoints.find((each) => each.name === name);
    if (datapoint === undefined) {
      throw new AddonError('badRequest', `there is no datapoint ${JSON.stringify(name)}`, {
        hint: namesHint(datapoints),
      });
    }
    if (!datapoint.flags.has('read')) throw notAllowed(datapoint, 'read');
    return datapoint;
  });
}

/** @throws AddonError badRequest, naming the datapoint */
function encoded({ name, type }: Datapoint, value: JsonValue): RawValue {
  try {
    return type.encode(value);
  } catch (error) {
    if (!(error instanceof AddonError)) throw error;
    throw new AddonError('badRequest', `"${name}": ${error.message}`, { hint: error.hint });
  }
}

function notAllowed({ name }: Datapoint, flag: 'read' | 'write'): AddonError {
  return new AddonError('badRequest', `"${name}" has not the flag "${flag}"`, {
    hint: `add "${flag}" to its "flags" if the group address is meant for that`,
  });
}

function unanswered(silent: readonly Datapoint[]): AddonError {
  const places = silent.map(({ name, stateAddress }) => `"${name}" (${formatGroupAddress(stateAddress)})`);
  const some = places.slice(0, 5).join(', ') + (places.length > 5 ? ', …' : '');
  return new AddonError('timeout', `nobody on the bus answered the read of ${some}`, {
    hint: 'in ETS, one object of the group address needs the flag R (read); is its device powered?',
  });
}
