/** What the cloud has got, by its number: none missing in the end, and no number ever with two readings. */
import type { CloudHouse } from '../../test/e2e/cloud/cloud-house.ts';
import { demand } from './scenario.ts';

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

  /** @throws FaultFound unless each number up to `last` has come */
  demandAll(last: number): void {
    const missing: number[] = [];
    for (let seq = 1; seq <= last; seq += 1) if (!this.#ids.has(seq)) missing.push(seq);
    demand(
      missing.length === 0,
      () =>
        `${missing.length} of ${last} numbers never came to the cloud: ${missing.slice(0, 10).join(', ')}`,
    );
  }

  #take({ seq, id }: Relayed): void {
    const before = this.#ids.get(seq);
    if (before !== undefined) this.repeats += 1;
    demand(!before || before === id, () => `number ${seq} is two readings: ${before} and ${id}`);
    this.#ids.set(seq, id);
  }

  #drop({ dropped: { fromSeq, toSeq } }: Dropped): void {
    for (let seq = fromSeq; seq <= toSeq; seq += 1) if (!this.#ids.has(seq)) this.#ids.set(seq, '');
  }
}
