/** What an EmberZNet stick keeps without power (its "tokens"). Link keys are made from one: another stick with it knows them all. */
import { createHmac } from 'node:crypto';
import type { NetworkIdentity } from '../air/network-identity.ts';
import type { CoordinatorMemory } from '../coordinator-parts.ts';

/** The counter is written down once in so many frames, and jumps by as much at each start, so that it never repeats. */
const COUNTER_STEP = 4_096;
const KEY_BYTES = 16;

export interface EmberNetwork extends NetworkIdentity {
  linkKey: Buffer;
  frameCounter: number;
}

export class EmberMemory implements CoordinatorMemory {
  readonly ieee: string;
  network: EmberNetwork | undefined;
  readonly #addresses = new Map<string, number>();

  constructor(ieee: string) {
    this.ieee = ieee;
  }

  get stored(): NetworkIdentity | undefined {
    if (!this.network) return undefined;
    const { panId, extendedPanId, channel, networkKey } = this.network;
    return { panId, extendedPanId, channel, networkKey };
  }

  /** The network to resume. @returns undefined where there is none */
  load(): NetworkIdentity | undefined {
    if (this.network) this.network.frameCounter += COUNTER_STEP;
    return this.stored;
  }

  forgetAll(): void {
    this.network = undefined;
    this.#addresses.clear();
  }

  nextFrameCounter(): number {
    if (!this.network) return 0;
    this.network.frameCounter += 1;
    return this.network.frameCounter;
  }

  moveTo(channel: number): void {
    if (this.network) this.network.channel = channel;
  }

  addressOf(ieee: string): number | undefined {
    return this.#addresses.get(ieee);
  }

  remember(ieee: string, address: number): boolean {
    this.#addresses.set(ieee, address);
    return true;
  }

  forget(ieee: string): void {
    this.#addresses.delete(ieee);
  }

  linkKey(ieee: string): Buffer | undefined {
    if (!this.network) return undefined;
    return createHmac('sha256', this.network.linkKey).update(ieee).digest().subarray(0, KEY_BYTES);
  }
}
