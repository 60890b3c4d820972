/**
 * What comes from the bus, and what this side has sent: values become readings, reads of others are answered for the
 * datapoints that respond, and everything is kept for the bus monitor and told to whoever watches.
 */
import type { Addon, Clock, JsonObject, JsonValue } from '@gate/addon-sdk';
import { BusRecord, RECORD_MAX, type RecordedTelegram, viewOf } from './bus-record.ts';
import type { BusSession } from './bus-session.ts';
import { BusWatch } from './bus-watch.ts';
import { type DeviceBook, tryDecode } from './device-book.ts';
import { type Datapoint, readingOf } from './knx-parameters.ts';
import { formatGroupAddress, parseGroupAddress } from './wire/address.ts';
import type { GroupTelegram, RawValue } from './wire/cemi.ts';

/** Meanings of one telegram that are shown. */
const KNOWN_MAX = 10;

export interface TelegramIntakeParts {
  gate: Pick<Addon, 'report' | 'log' | 'event'>;
  clock: Clock;
  book: DeviceBook;
  session: () => BusSession;
}

export class TelegramIntake {
  readonly #parts: TelegramIntakeParts;
  readonly #record = new BusRecord();
  readonly watch: BusWatch;
  /** Datapoints that were sent what they cannot read: told once, until it is right again. */
  readonly #misread = new WeakSet<Datapoint>();

  constructor(parts: TelegramIntakeParts) {
    this.#parts = parts;
    this.watch = new BusWatch(parts);
  }

  receive(telegram: GroupTelegram): void {
    this.#note('in', telegram);
    if (telegram.service === 'read') this.#respond(telegram.destination);
    else this.#takeValue(telegram.destination, telegram.value);
  }

  #takeValue(address: number, value: RawValue): void {
    for (const { deviceId, datapoint } of this.#parts.book.statesAt(address)) {
      if (!datapoint.flags.has('listen')) continue;
      try {
        this.#parts.gate.report(deviceId, readingOf(datapoint, datapoint.type.decode(value)));
        this.#parts.book.keep(datapoint, value);
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
    for (const { datapoint } of this.#parts.book.writesAt(address)) {
      const value = datapoint.flags.has('respond') ? this.#parts.book.lastValue(datapoint) : undefined;
      if (value === undefined) continue;
      const telegram = { service: 'response', destination: address, value } as const;
      this.#parts
        .session()
        .bus.send(telegram)
        .then(
          () => this.#noteOwn('response', address, value),
          (error) =>
            this.#parts.gate.log.error(`a read of ${formatGroupAddress(address)} was not answered`, error),
        );
      return;
    }
  }

  /** `{telegrams}`: the last ones, the newest last, with what they mean to our devices. */
  monitor({ limit = 100, group_address: address }: JsonObject): JsonValue {
    const destination = address === undefined ? undefined : parseGroupAddress(address);
    const most = typeof limit === 'number' ? Math.min(Math.max(1, limit), RECORD_MAX) : RECORD_MAX;
    const telegrams = this.#record.last(most, destination);
    return { telegrams: telegrams.map((each) => this.#viewOf(each)) };
  }

  #viewOf(recorded: RecordedTelegram): JsonObject {
    return viewOf(recorded, this.#meaningOf(recorded));
  }

  #meaningOf({ telegram: { service, destination, value } }: RecordedTelegram): JsonObject[] {
    if (service === 'read') return [];
    const places = new Set([
      ...this.#parts.book.statesAt(destination),
      ...this.#parts.book.writesAt(destination),
    ]);
    return [...places].slice(0, KNOWN_MAX).map(({ deviceId, datapoint }) => ({
      deviceId,
      name: datapoint.name,
      value: tryDecode(datapoint, value) ?? null,
      ...(datapoint.unit === undefined ? {} : { unit: datapoint.unit }),
    }));
  }

  /** This side's own write, which the bus has confirmed. */
  written(destination: number, value: RawValue): void {
    this.#noteOwn('write', destination, value);
    this.#takeValue(destination, value);
  }

  #noteOwn(service: 'write' | 'response', destination: number, value: RawValue): void {
    this.#note('out', { service, source: this.#parts.session().individualAddress, destination, value });
  }

  #note(direction: 'in' | 'out', telegram: GroupTelegram): void {
    const recorded = { ts: this.#parts.clock.now(), direction, telegram };
    this.#record.add(recorded);
    this.watch.heard(() => this.#viewOf(recorded));
  }
}
