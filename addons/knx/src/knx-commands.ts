/** What gate asks of a device: pair, set, get; each ends in what the bus has confirmed or answered, or in why not. */
import {
  type Addon,
  AddonError,
  type Clock,
  type DeviceRequest,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '@gate/addon-sdk';
import type { BusSession } from './bus-session.ts';
import { type DeviceBook, type KnxDevice, tryDecode } from './device-book.ts';
import { type Datapoint, namesHint, parseDevice, readingOf, UNANSWERED, valuesOf } from './knx-parameters.ts';
import type { TelegramIntake } from './telegram-intake.ts';
import { formatGroupAddress } from './wire/address.ts';
import type { RawValue } from './wire/cemi.ts';

/** A command ends so much before its deadline that its reason still arrives in time. */
const ANSWER_MARGIN_MS = 300;
/** How long a pairing waits for a link that is not up. */
const PAIR_LINK_MS = 10_000;

export interface KnxCommandsParts {
  gate: Pick<Addon, 'event'>;
  clock: Clock;
  book: DeviceBook;
  intake: TelegramIntake;
  session: () => BusSession;
}

export class KnxCommands {
  readonly #parts: KnxCommandsParts;

  constructor(parts: KnxCommandsParts) {
    this.#parts = parts;
  }

  /** The value names what answered and what did not. @throws AddonError badRequest, addressTaken, noLink, badTelegram */
  async pair({ deviceId, params, deadline, signal }: DeviceRequest): Promise<JsonValue> {
    const datapoints = parseDevice(isJsonObject(params['parameters']) ? params['parameters'] : {});
    this.#parts.book.demandFree(datapoints, deviceId);
    const readable = datapoints.filter(({ flags }) => flags.has('read'));
    const withLink = AbortSignal.any([signal, AbortSignal.timeout(PAIR_LINK_MS)]);
    await this.#parts.session().bus.ready(withLink);
    this.#parts.gate.event({ type: 'joined', deviceId });
    const inTime = this.#within(deadline, signal);
    const answers = await this.#parts.session().reader.read(
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

  /** Values by datapoint, as the bus has them now. @throws AddonError badRequest, noLink, notConfirmed, timeout, busy */
  async set({ deviceId, params, deadline, signal }: DeviceRequest): Promise<JsonValue> {
    const { datapoints } = this.#device(deviceId);
    // everything is checked before anything goes out
    const writes = valuesOf(params, datapoints).map(([datapoint, value]) => {
      if (!datapoint.flags.has('write')) throw notAllowed(datapoint, 'write');
      return { datapoint, raw: encoded(datapoint, value) };
    });
    const { bus } = this.#parts.session();
    const inTime = this.#within(deadline, signal);
    const done: JsonObject = {};
    for (const { datapoint, raw } of writes) {
      const destination = datapoint.groupAddress;
      await bus
        .send({ service: 'write', destination, value: raw }, { signal: inTime })
        .catch((error) => failedAfter(done, datapoint, error));
      this.#parts.intake.written(destination, raw);
      Object.assign(done, readingOf(datapoint, datapoint.type.decode(raw)));
    }
    return done;
  }

  /** Values by datapoint, as the bus answered. @throws AddonError badRequest, noLink, timeout, badTelegram */
  async get({ deviceId, params, deadline, signal }: DeviceRequest): Promise<JsonValue> {
    const asked = askedFor(params, this.#device(deviceId).datapoints);
    const addresses = asked.map(({ stateAddress }) => stateAddress);
    const answers = await this.#parts.session().reader.read(addresses, this.#within(deadline, signal));
    const status: JsonObject = {};
    for (const datapoint of asked) {
      const answer = answers.get(datapoint.stateAddress);
      if (answer) Object.assign(status, readingOf(datapoint, datapoint.type.decode(answer)));
    }
    const silent = asked.filter(({ stateAddress }) => !answers.has(stateAddress));
    if (silent.length === asked.length) throw unanswered(silent);
    return silent.length === 0 ? status : { ...status, [UNANSWERED]: silent.map(({ name }) => name) };
  }

  /** Ends before the request does, so that the reason is told. */
  #within(deadline: number, signal: AbortSignal): AbortSignal {
    const leftMs = Math.max(1, deadline - this.#parts.clock.now() - ANSWER_MARGIN_MS);
    return AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
  }

  #device(deviceId: string): KnxDevice {
    const device = this.#parts.book.get(deviceId);
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

/** Which value is not on the bus, or may not be, and which are before it. @throws AddonError */
function failedAfter(done: JsonObject, { name, groupAddress }: Datapoint, error: unknown): never {
  if (!(error instanceof AddonError)) throw error;
  const before = Object.keys(done);
  const so = before.length === 0 ? '' : `; written before it: ${before.join(', ')}`;
  const fate = error.code === 'timeout' ? 'is not confirmed' : 'was not written';
  const what = `"${name}" (${formatGroupAddress(groupAddress)}) ${fate}: ${error.message}${so}`;
  throw new AddonError(error.code, what, { hint: error.hint, cause: error });
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
