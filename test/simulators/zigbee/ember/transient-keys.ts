/**
 * Keys that devices may join with, which the host gives for a while: the one that everybody knows, for any device, and those
 * made from install codes, each for one. A device's own key is asked for with the same one, right after it has joined.
 */
import { hashInstallCode } from '../install-code.ts';
import type { Node } from '../node.ts';

/** A key under this address is for any device. */
const ANY_DEVICE = '0xffffffffffffffff';
/** "ZigBeeAlliance09", which devices without an install code join with (Base Device Behavior, 6.3.1). */
const WELL_KNOWN = Buffer.from('ZigBeeAlliance09');
const TIMEOUT_SECONDS = 300;

export class TransientKeys {
  timeoutSeconds = TIMEOUT_SECONDS;
  readonly #keys = new Map<string, { key: Buffer; endsAtMs: number }>();

  take(ieee: string, key: Buffer): void {
    this.#keys.set(ieee, { key: Buffer.from(key), endsAtMs: Date.now() + this.timeoutSeconds * 1000 });
  }

  clear(): void {
    this.#keys.clear();
  }

  /** The trust centre and the device have the same key. */
  fits({ ieee, installCode }: Node): boolean {
    const own = installCode ? hashInstallCode(installCode) : WELL_KNOWN;
    const held = this.#held(ieee) ?? this.#held(ANY_DEVICE);
    return held?.equals(own) ?? false;
  }

  #held(ieee: string): Buffer | undefined {
    const entry = this.#keys.get(ieee);
    return entry && entry.endsAtMs > Date.now() ? entry.key : undefined;
  }
}
