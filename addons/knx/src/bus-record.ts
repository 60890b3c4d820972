/** The last telegrams on the bus: what the bus monitor shows. */
import type { JsonObject } from '@gate/addon-sdk';
import { formatGroupAddress, formatIndividualAddress } from './wire/address.ts';
import type { GroupTelegram } from './wire/cemi.ts';

export const RECORD_MAX = 1_000;

export interface RecordedTelegram {
  ts: number;
  direction: 'in' | 'out';
  telegram: GroupTelegram;
}

export class BusRecord {
  readonly #ring: RecordedTelegram[] = [];
  #next = 0;

  add(recorded: RecordedTelegram): void {
    this.#ring[this.#next] = recorded;
    this.#next = (this.#next + 1) % RECORD_MAX;
  }

  /** The newest last, `limit` at most, of one group address where it is given. */
  last(limit: number, destination?: number): RecordedTelegram[] {
    const all = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    const asked =
      destination === undefined ? all : all.filter(({ telegram }) => telegram.destination === destination);
    return asked.slice(-limit);
  }
}

/** As it is shown; what it means to the devices that know its address is in `known`. */
export function viewOf({ ts, direction, telegram }: RecordedTelegram, known: JsonObject[]): JsonObject {
  const { service, source, destination, value } = telegram;
  return {
    ts,
    direction,
    service,
    source: formatIndividualAddress(source),
    destination: formatGroupAddress(destination),
    ...(service === 'read' ? {} : { raw: value.bytes.toString('hex') }),
    ...(known.length === 0 ? {} : { known }),
  };
}
