/** The cloud's end of the relay: takes everything below `data/`, and keeps what each number came with. */
import type { MqttClient } from 'mqtt';
import type { RelayItem } from '../../src/model/relay.ts';

export class CloudListener {
  /** Ids by number: more than one is a fault. */
  readonly ids = new Map<number, Set<string>>();
  /** The value `n` of each reading's data, by number. */
  readonly values = new Map<number, unknown>();
  readonly dropped: { fromSeq: number; toSeq: number }[] = [];
  received = 0;
  /** Lists whose numbers did not grow. */
  disorder = 0;
  largestBytes = 0;

  /** May be called again for the connection after this one. */
  async listen(client: MqttClient): Promise<void> {
    client.on('message', (_topic, payload) => this.#take(payload));
    await client.subscribeAsync('data/#', { qos: 1 });
  }

  /** Numbers from 1 to `last` that came neither as a reading nor as dropped. */
  missing(last: number): number[] {
    const missing: number[] = [];
    for (let seq = 1; seq <= last; seq += 1) {
      const isDropped = this.dropped.some(({ fromSeq, toSeq }) => fromSeq <= seq && seq <= toSeq);
      if (!this.ids.has(seq) && !isDropped) missing.push(seq);
    }
    return missing;
  }

  /** Numbers that came under two ids. */
  ambiguous(): number[] {
    return [...this.ids].filter(([, ids]) => ids.size > 1).map(([seq]) => seq);
  }

  #take(payload: Buffer): void {
    this.largestBytes = Math.max(this.largestBytes, payload.length);
    const parsed = JSON.parse(payload.toString()) as RelayItem | RelayItem[];
    let before = 0;
    for (const item of Array.isArray(parsed) ? parsed : [parsed]) {
      const first = 'dropped' in item ? item.dropped.fromSeq : item.seq;
      if (first <= before) this.disorder += 1;
      before = first;
      if ('dropped' in item) this.dropped.push(item.dropped);
      else {
        this.received += 1;
        this.ids.set(item.seq, (this.ids.get(item.seq) ?? new Set()).add(item.id));
        this.values.set(item.seq, item.data['n']);
      }
    }
  }
}
