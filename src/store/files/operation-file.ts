/** Status requests and their results, until their `ttl`: NeDB drops them by an index on it. May be lost in a power cut. */
import type { OperationStore } from '../../core/ports.ts';
import type { Operation } from '../../model/operation.ts';
import { type Collection, Rebuildable, type RebuildableParts } from './rebuildable.ts';

interface Entry {
  _id: string;
  /** The `ttl` as a date, which is what the index goes by. */
  expiresAt: Date;
  operation: Operation;
}

export class OperationFile implements OperationStore {
  readonly #file: Rebuildable<Entry>;
  #collection: Collection<Entry> | undefined;

  constructor(parts: RebuildableParts) {
    this.#file = new Rebuildable(parts);
  }

  async start(): Promise<void> {
    this.#collection = await this.#file.start((collection) =>
      collection.ensureIndex({ fieldName: 'expiresAt', expireAfterSeconds: 0 }),
    );
  }

  async stop(): Promise<void> {
    this.#file.stop();
  }

  async save(operation: Operation): Promise<void> {
    const { id: _id, ttl } = operation;
    const entry: Entry = { _id, expiresAt: new Date(ttl * 1_000), operation };
    await this.#collection?.update({ _id }, entry, { upsert: true });
  }

  async find(id: string): Promise<Operation | undefined> {
    const entry = await this.#collection?.findOne({ _id: id });
    return entry?.operation;
  }

  async pending(): Promise<Operation[]> {
    const entries = await this.#collection?.find({ 'operation.outcome.state': 'pending' });
    return (entries ?? []).map(({ operation }) => operation);
  }

  async count(): Promise<number> {
    return (await this.#collection?.count({})) ?? 0;
  }
}
