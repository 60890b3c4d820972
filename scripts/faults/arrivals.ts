/** What the cloud has got, by its number: none missing in the end, and no number ever with two readings. */
import type { CloudHouse } from '../../test/e2e/cloud/cloud-house.ts';
import { until } from '../../test/support/until.ts';
import { demand, FaultFound } from './scenario.ts';

/** Of the end of a reading's public id, in hexadecimal digits. */
const SEQ_DIGITS = 14;

interface Relayed {
  seq: number;
  id: string;
  deviceId: string;
  data: { n?: number };
}
interface Dropped {
  dropped: { fromSeq: number; toSeq: number };
}

export class Arrivals {
  readonly #cloud: CloudHouse;
  /** Ids by number; empty where the cloud was told that the reading is no more. */
  readonly #ids = new Map<number, string>();
  #twice: string | undefined;
  repeats = 0;

  constructor(cloud: CloudHouse) {
    this.#cloud = cloud;
  }

  get count(): number {
    return this.#ids.size;
  }

  /** Takes what was heard since. @throws FaultFound for a number of two readings */
  look(): void {
    const base = this.#cloud.topic('data', '');
    for (const { topic, payload } of this.#cloud.cloud.heard.splice(0)) {
      if (!topic.startsWith(base)) continue;
      for (const item of (Array.isArray(payload) ? payload : [payload]) as (Relayed | Dropped)[]) {
        if ('dropped' in item) this.#drop(item);
        else this.#take(item);
      }
    }
  }

  /**
   * Waits for them. Where a recorder stands before the broker, what that has acknowledged counts: killed, it may lose it.
   * @returns how many it has lost
   * @throws FaultFound unless each number up to `last` comes, or is acknowledged; for one that ever was two readings
   */
  async demandAll(last: number): Promise<number> {
    const { recorder } = this.#cloud;
    const missing = () => {
      this.look();
      return Array.from({ length: last }, (_, n) => n + 1).filter((seq) => !this.#ids.has(seq));
    };
    await until(
      'every number has come',
      () => missing().length === 0 && (recorder?.unacknowledged(last).length ?? 0) === 0,
    ).catch(() => undefined);
    demand(this.#twice === undefined, () => this.#twice ?? '');
    const lost = missing();
    const never = recorder?.unacknowledged(last) ?? lost;
    demand(
      never.length === 0,
      () => `${never.length} of ${last} numbers never came to the cloud: ${never.slice(0, 10).join(', ')}`,
    );
    demand(!recorder?.troubles.length, () => `on the way to the cloud: ${recorder?.troubles[0]}`);
    return lost.length;
  }

  /**
   * What is in the store was not told to be dropped in place of being sent.
   * @param seqs of readings that are to be relayed, as the store numbers them
   * @param lost how many the broker has lost
   * @throws FaultFound
   */
  demandReadings(seqs: readonly number[], lost: number): void {
    const ids = new Set(this.#ids.values());
    const [epoch = ''] = [...ids].filter((id) => id !== '').map((id) => id.slice(0, -SEQ_DIGITS));
    const missing = seqs.filter((seq) => !ids.has(epoch + seq.toString(16).padStart(SEQ_DIGITS, '0')));
    demand(
      seqs.length > 0 && missing.length <= lost,
      `of ${seqs.length} readings in the store ${missing.length} came as none to the cloud: ${missing.slice(0, 10).join(', ')}`,
    );
  }

  #take({ seq, id }: Relayed): void {
    const before = this.#ids.get(seq);
    if (before !== undefined) this.repeats += 1;
    if (before && before !== id) {
      // whoever looks while he waits for something may pass over it
      this.#twice ??= `number ${seq} is two readings: ${before} and ${id}`;
      throw new FaultFound(this.#twice);
    }
    this.#ids.set(seq, id);
  }

  #drop({ dropped: { fromSeq, toSeq } }: Dropped): void {
    for (let seq = fromSeq; seq <= toSeq; seq += 1) if (!this.#ids.has(seq)) this.#ids.set(seq, '');
  }
}
